"""Parts of the results that went missing by hand, noticed while Snakemake reads the rules.

Snakemake sees manifests; the stores that they describe are not declared outputs. For every manifest that is there, the
names in its store are compared with it. A loss gives the manifest a new *mark*, which stands in the rule's ``params``:
the job runs again and makes what is missing, nothing else. The mark stays when the loss is mended, so that the repair
starts no second job.

Cheap: only a store in which something came or went since the last look is looked at, one call a store, and each clip's
media folder once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abaw_pipeline.config import Config
from abaw_pipeline.media.parts import asked_parts
from abaw_pipeline.media.settings import MediaSettings
from abaw_pipeline.runtime.files import read_json, write_json
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.names import escape, unescape
from abaw_pipeline.runtime.paths import Layout, shard_of
from abaw_pipeline.state.listed import trainings
from abaw_pipeline.training.card import HISTORY, WEIGHTS

MEMORY = ".settings/losses.json"

Times = dict[str, int | None]


@dataclass(frozen=True)
class Kept:
    """One manifest, and the folder whose time changes when something in its store comes or goes."""

    manifest: Path
    times: Times
    names: Path | None = None
    """The folder that holds one entry per clip of the manifest."""
    ending: str = ""
    """How the name of such an entry ends."""
    files: tuple[Path, ...] = ()
    """Or: the files that must be there."""
    parts: tuple[str, ...] = ()
    """Or: the files that must be in ``names/<clip>``."""

    def missing(self) -> list[str]:
        if self.names is None:
            return [path.name for path in self.files if not path.is_file()]
        clips = [escape(clip) for clip in json.loads(self.manifest.read_bytes())["clips"]]
        if self.parts:
            wanted = [f"{clip}/{part}" for clip in clips for part in self.parts]
            return [name for name in wanted if not (self.names / name).is_file()]
        there = {path.name for path in self.names.iterdir()} if self.names.is_dir() else set()
        return [clip for clip in clips if clip + self.ending not in there]


def loss_marks(config: Config, remember: bool = True) -> dict[str, str]:
    """The mark of every manifest that ever lost something, by its path.

    Args:
        remember: write down what was seen; only the main process of a run does.
    """
    memory = Path(config.results) / MEMORY
    known = read_json(memory, "snakemake") if memory.exists() else {}
    seen: dict[str, dict[str, str]] = {}
    for kept in _everything(config):
        name = str(kept.manifest)
        try:
            stamp = digest([kept.manifest.stat().st_mtime_ns, kept.times])[:16]
        except FileNotFoundError:  # to be made by its own job, which then makes what its store lacks
            if name in known:
                seen[name] = known[name]
            continue
        seen[name] = known.get(name, {"stamp": "", "mark": ""})
        if seen[name]["stamp"] != stamp:
            seen[name] = {"stamp": stamp, "mark": _mark(kept, seen[name]["mark"])}
    if remember and seen != known:
        write_json(memory, seen)
    return {name: entry["mark"] for name, entry in seen.items() if entry["mark"]}


def _mark(kept: Kept, before: str) -> str:
    missing = kept.missing()
    return digest([missing, kept.manifest.stat().st_mtime_ns])[:16] if missing else before


def _everything(config: Config) -> Iterator[Kept]:
    results = Path(config.results)
    for dataset in config.datasets:
        layout = Layout(results, dataset)
        yield from _media(layout, config.shards, config.media)
        if config.transcripts:
            folder, times, ending = layout.transcripts, _times(layout.transcripts), layout.transcript("x").suffix
            for shard in range(config.shards):
                yield Kept(layout.transcripts_shard(shard), times, folder, ending=ending)
        for feature in config.features:
            store = layout.feature_store(feature)
            times = _times(store)
            for shard in range(config.shards):
                yield Kept(layout.feature_shard(feature, shard), times, store)
    for training in trainings(config):
        folder = Layout(results, training.dataset).model(*training.name)
        yield Kept(folder / "model.json", _times(folder), files=(folder / WEIGHTS, folder / HISTORY))
        for dataset in training.predicts:
            layout = Layout(results, dataset)
            store = layout.predictions(*training.name)
            yield Kept(layout.predictions_manifest(*training.name), _times(store), store)
    for name in config.ensembles:
        for dataset in config.ensemble_datasets(name):
            layout = Layout(results, dataset)
            yield Kept(layout.ensemble_manifest(name), _times(layout.ensemble(name)), layout.ensemble(name))


def _media(layout: Layout, shards: int, settings: MediaSettings) -> Iterator[Kept]:
    home = layout.home / "media"
    times: list[Times] = [{} for _ in range(shards)]
    if home.is_dir():
        with os.scandir(home) as found:
            for entry in found:
                if not entry.name.startswith("."):
                    times[shard_of(unescape(entry.name), shards)][entry.name] = entry.stat().st_mtime_ns
    parts = tuple(path.name for path in asked_parts(layout, "x", settings).values())
    for shard in range(shards):
        yield Kept(layout.media_shard(shard), times[shard], home, parts=parts)


def _times(folder: Path) -> Times:
    try:
        return {"": folder.stat().st_mtime_ns}
    except FileNotFoundError:
        return {"": None}


def missing_index_files(layout: Layout, settings: Any) -> list[str]:
    """Files that the index wrote beside ``clips.json`` and that are gone."""
    if not layout.clips.is_file():
        return []
    wanted = [*map(layout.labels, settings.labelled), *map(layout.sample, settings.samples)]
    return [str(path.relative_to(layout.home)) for path in wanted if not path.is_file()]
