"""A small made-up results folder: index, labels and one or two features, without recordings."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.names import escape
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.training.card import Card
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.train import train
from abaw_pipeline.types import FrameTable

MIX = np.random.default_rng(7).normal(size=(2, 6))


def smooth_labels(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Slow valence and arousal in (-1, 1), ``(frames, 2)`` float32."""
    time = np.arange(frames)[:, None] / 25
    phase, rate = rng.uniform(0, 6.28, (1, 2)), rng.uniform(0.5, 2.0, (1, 2))
    return (0.8 * np.sin(rate * time + phase)).astype(np.float32)


class Toy:
    """Clips ``c00``, ``c01``, ... with labels and the feature ``lin``, linear in the labels (6-d, float16)."""

    def __init__(self, path: Path, splits: Mapping[str, str], frames: int = 60, dataset: str = "toy") -> None:
        self.layout = Layout(path, dataset)
        self.splits = dict(splits)
        self.recordings = {clip: clip for clip in splits}
        self.labels: dict[str, np.ndarray] = {}
        self.tables: dict[str, dict[str, FrameTable]] = {"lin": {}}
        self.lost: dict[str, set[str]] = {}
        for clip in splits:
            self.add(clip, splits[clip], frames)
        self.write()

    def add(self, clip: str, split: str, frames: int = 60) -> None:
        rng = np.random.default_rng(sum(map(ord, clip)))
        truth = smooth_labels(rng, frames)
        self.splits[clip], self.recordings[clip] = split, clip
        if split != "test":
            self.labels[clip] = truth
        values = truth @ MIX + rng.normal(size=(frames, 6)) * 0.1
        self.tables["lin"][clip] = FrameTable(values.astype(np.float32), np.ones(frames, bool))

    def write(self) -> None:
        """Index, labels and feature stores, as the stages before write them."""
        entries = {
            clip: {"recording": self.recordings[clip], "digest": digest(clip), "splits": {"va": split}, "labels": {}}
            for clip, split in self.splits.items()
        }
        Manifest({"dataset": self.layout.dataset}, entries).write(self.layout.clips)
        self.layout.labels("va").parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(self.layout.labels("va"), "w") as archive:
            for clip, rows in self.labels.items():
                with archive.open(f"{escape(clip)}.npy", "w") as stream:
                    np.lib.format.write_array(stream, rows)
        for feature in self.tables:
            self.write_feature(feature)

    def write_feature(self, feature: str, key: str = "key") -> None:
        tables = self.tables[feature]
        dimension = next(iter(tables.values())).values.shape[1]
        spec = {"dimension": dimension, "modality": "audio" if feature == "sound" else "visual"}
        about = {"feature": feature, "key": key, "spec": spec, "random_weights": feature == "dice"}
        store, manifest = FeatureStore(self.layout.feature_store(feature)), Manifest(about)
        for clip, table in tables.items():
            if clip in self.lost.get(feature, ()):
                continue
            content = store.write(clip, table, f"{key}-{clip}", about, "float16")
            rows = {"rows": len(table.valid), "valid": int(table.valid.sum())}
            manifest.clips[clip] = {"key": f"{key}-{clip}", "content": content, **rows}
        manifest.write(self.layout.feature_manifest(feature))


TRAINABLE = {"c00": "train", "c01": "train", "c02": "train", "c03": "val", "c04": "val", "c05": "test"}


def experiment(**changes: object) -> ExperimentSettings:
    """A small experiment on ``lin``."""
    raw: dict[str, object] = {
        "task": "va",
        "features": ["lin"],
        "encoder": {"name": "gru", "hidden": 16},
        "segment": 20,
        "batch": 4,
        "epochs": 2,
        "optimiser": {"lr": 0.01},
    }
    return ExperimentSettings.model_validate(raw | changes)


def run(toy: Toy, name: str = "x", fold: str = "official", seed: int = 0, **changes: object) -> tuple[Card, bool]:
    return train(name, experiment(**changes), fold, seed, toy.layout)
