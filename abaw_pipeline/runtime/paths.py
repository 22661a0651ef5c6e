"""Where everything of one data set lies on disk: the one place that spells the layout."""

from __future__ import annotations

import fnmatch
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abaw_pipeline.runtime.names import escape
from abaw_pipeline.tracks import TRACKS


@dataclass(frozen=True)
class Layout:
    """Paths under ``<results>/<dataset>/``."""

    results: Path
    dataset: str

    @property
    def home(self) -> Path:
        return self.results / self.dataset

    @property
    def listing(self) -> Path:
        """Names, sizes and times of the raw files, as one digest; Snakemake's sign that the data set changed."""
        return self.home / "listing.json"

    @property
    def clips(self) -> Path:
        """The clip index."""
        return self.home / "clips.json"

    def labels(self, task: str) -> Path:
        """Labels of every annotated clip, one array per escaped clip id."""
        return self.home / "labels" / f"{task}.npz"

    def sample(self, track: str) -> Path:
        """The organisers' sample file: which rows a submission must hold, in which order."""
        return self.home / "samples" / f"{track}.txt"

    def clock(self, clip: str) -> Path:
        return self.home / "media" / escape(clip) / "clock.h5"

    def faces(self, clip: str) -> Path:
        return self.home / "media" / escape(clip) / "faces.h5"

    def frames(self, clip: str) -> Path:
        """Whole pictures, where ``media.frames`` asks for them."""
        return self.home / "media" / escape(clip) / "frames.h5"

    def sound(self, clip: str) -> Path:
        return self.home / "media" / escape(clip) / "sound.h5"

    def media_shard(self, shard: int) -> Path:
        return self.home / "manifests" / "media" / f"{shard}.json"

    def media_shards(self) -> list[Path]:
        """The manifests of all shards that are there."""
        return sorted(self.media_shard(0).parent.glob("[0-9]*.json"))

    @property
    def transcripts(self) -> Path:
        """What the speech recogniser heard, one file per clip, for people to read and correct."""
        return self.home / "transcripts"

    def transcript(self, clip: str) -> Path:
        return self.transcripts / f"{escape(clip)}.vtt"

    def transcripts_shard(self, shard: int) -> Path:
        return self.home / "manifests" / "transcripts" / f"{shard}.json"

    def feature_store(self, feature: str) -> Path:
        return self.home / "features" / f"{feature}.zarr"

    def feature_shard(self, feature: str, shard: int) -> Path:
        return self.home / "manifests" / "features" / feature / f"{shard}.json"

    def feature_manifest(self, feature: str) -> Path:
        return self.home / "features" / f"{feature}.json"

    def model(self, experiment: str, fold: str, seed: int) -> Path:
        return self.home / "models" / experiment / f"{fold}-{seed}"

    def checkpoint(self, experiment: str, fold: str, seed: int) -> Path:
        """What a training goes on from when it was killed."""
        return self.home / "models" / experiment / f"{fold}-{seed}.checkpoint"

    def events(self, experiment: str, fold: str, seed: int) -> Path:
        """Folder of the event file of a training, for TensorBoard."""
        return self.home / "tensorboard" / experiment / f"{fold}-{seed}"

    def predictions(self, experiment: str, fold: str, seed: int) -> Path:
        return self.home / "predictions" / experiment / f"{fold}-{seed}.zarr"

    def predictions_manifest(self, experiment: str, fold: str, seed: int) -> Path:
        return self.home / "predictions" / experiment / f"{fold}-{seed}.json"

    def ensemble(self, name: str) -> Path:
        return self.home / "ensembles" / f"{name}.zarr"

    def ensemble_manifest(self, name: str) -> Path:
        return self.home / "ensembles" / f"{name}.json"

    def curves(self, name: str) -> Path:
        """Folder of one CSV and one plot per clip, for data sets that have no submission file."""
        return self.home / "ensembles" / name

    def journal(self, stage: str, job: str) -> Path:
        """What the job of a stage really did (``runtime/journal.py``); named as its log is."""
        return journals(self.results) / stage / f"{self.dataset}-{job}.jsonl"

    def submission(self, name: str, track: str) -> Path:
        """The file of an ensemble, or of a joined submission, for a track."""
        return self.home / "submissions" / name / f"{track}{TRACKS[track].suffix}"


def journals(results: Path) -> Path:
    """The folder of the journals of all jobs, one folder a stage."""
    return results / "journal"


def doctor_table(results: Path) -> Path:
    """What ``abaw doctor`` found."""
    return results / "doctor.csv"


def report_page(results: Path) -> Path:
    return results / "report" / "index.html"


NOT_DATASETS = ("report", "logs", "benchmarks", "journal")
"""Folders of ``results`` beside those of the data sets."""

WRITTEN: Mapping[str, Any] = {
    ".settings": {},
    **{name: {} for name in NOT_DATASETS},
    "*": {  # a data set
        "labels": {},
        "samples": {},
        "media": {"*": {}},
        "manifests": {"media": {}, "transcripts": {}, "features": {"*": {}}},
        "transcripts": {},
        "features": {"*.zarr": {}},
        "models": {"*": {"*": {}}},
        "tensorboard": {"*": {"*": {}}},
        "predictions": {"*": {"*.zarr": {}}},
        "ensembles": {"*": {}},
        "submissions": {"*": {}},
    },
}
"""The folders under ``results`` whose entries are written one by one (a clip of a store is one entry), as patterns."""


def written(folder: Path, tree: Mapping[str, Any] = WRITTEN) -> Iterator[os.DirEntry[str]]:
    """Every entry of every folder that ``tree`` names, below ``folder``; links are not followed."""
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError:  # gone meanwhile, or not ours to read
        return
    for entry in entries:
        yield entry
        below = _below(tree, entry.name)
        if below is not None and entry.is_dir(follow_symlinks=False):
            yield from written(Path(entry.path), below)


def _below(tree: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    if name in tree:
        return tree[name]
    hidden = name.startswith(".")  # a temporary, or not ours
    return next((tree[pattern] for pattern in tree if not hidden and fnmatch.fnmatchcase(name, pattern)), None)


def shard_of(clip: str, shards: int) -> int:
    """The shard of a clip; adding other clips never moves it."""
    return zlib.crc32(clip.encode()) % shards
