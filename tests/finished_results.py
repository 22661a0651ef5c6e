"""The results folder of a finished run of the small project, made up."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

from abaw_pipeline.config import Config
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.files import write_json
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout, report_page
from abaw_pipeline.runtime.snapshot import save_settings
from abaw_pipeline.settings_file import check
from abaw_pipeline.types import Skipped
from tests.project import SETTINGS

CLIPS = ("a", "b/1", "bad")


def config_of(results: Path, **changes: Any) -> Config:
    raw = {**copy.deepcopy(SETTINGS), "results": str(results), **changes}
    return check(raw, "config.yaml")


def put(path: Path, text: str = "x" * 10) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def store(path: Path, clips: tuple[str, ...] = CLIPS[:2]) -> None:
    """A store of ours and its manifest."""
    for clip in clips:
        ArrayStore(path, "a test").write_arrays(clip, {"values": np.zeros(4, np.float32)}, "key", {})
    Manifest({"key": "k"}, {clip: {} for clip in clips}).write(path.with_suffix(".json"))


def model(folder: Path) -> None:
    for name in ("model.json", "weights.safetensors", "history.csv"):
        put(folder / name)


def data_set(layout: Layout, config: Config) -> None:
    """Everything that a run over the small project leaves in a data set's folder."""
    bad = [Skipped("bad", "index", "a wrong header")]
    Manifest({"dataset": layout.dataset}, {clip: {} for clip in CLIPS[:2]}, bad).write(layout.clips)
    write_json(layout.listing, {"listing": "0" * 64})
    put(layout.home / "digests.json")
    for task in ("va", "expr", "au"):
        for path in (layout.labels(task), layout.sample(task)):
            put(path)
    for clip in CLIPS:
        for path in (layout.clock(clip), layout.faces(clip), layout.sound(clip)):
            put(path)
    for shard in range(config.shards):
        Manifest().write(layout.media_shard(shard))
    for feature in ("densenet", "fbank"):
        store(layout.feature_store(feature), CLIPS)
        for shard in range(config.shards):
            Manifest().write(layout.feature_shard(feature, shard))
    for experiment, fold in (("both", "official"), ("face", "fold1"), ("face", "fold2")):
        model(layout.model(experiment, fold, 0))
        put(layout.events(experiment, fold, 0) / "events.out.tfevents.1700000000.node")
        store(layout.predictions(experiment, fold, 0))
        for rule in ("train", "infer"):
            _logs(layout, rule, f"{experiment}-{fold}-0")
    store(layout.ensemble("va"))
    for name in ("va.txt", "va.zip", "va.provenance.json"):
        put(layout.submission("va", "va").with_name(name))
    for rule, name in (("index", ""), ("media", "1"), ("extract", "fbank-0"), ("join", "fbank"), ("submit", "va-va")):
        _logs(layout, rule, name)


def _logs(layout: Layout, rule: str, name: str) -> None:
    stem = f"{layout.dataset}-{name}" if name else layout.dataset
    put(layout.results / "logs" / rule / f"{stem}.log")
    put(layout.results / "benchmarks" / rule / f"{stem}.tsv")
    if rule not in ("index", "join"):
        put(layout.journal(rule, name))


def finished(results: Path) -> Layout:
    """The results of a finished run of the small project."""
    config = config_of(results)
    layout = Layout(Path(config.results), "demo")
    data_set(layout, config)
    save_settings(config)
    put(report_page(layout.results))
    return layout
