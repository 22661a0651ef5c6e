"""A small made-up results folder: index, labels and one or two features, without recordings."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.names import escape
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.card import Card
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.train import train
from abaw_pipeline.types import FrameTable

MIX = np.random.default_rng(7).normal(size=(2, 6))
_UNITS = np.random.default_rng(8).normal(size=(2, 16))


def smooth_labels(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Slow valence and arousal in (-1, 1), ``(frames, 2)`` float32."""
    time = np.arange(frames)[:, None] / 25
    phase, rate = rng.uniform(0, 6.28, (1, 2)), rng.uniform(0.5, 2.0, (1, 2))
    return (0.8 * np.sin(rate * time + phase)).astype(np.float32)


def labels_of(task: str, truth: np.ndarray) -> np.ndarray:
    """What valence and arousal ``(n, 2)`` say of a task, float32 ``(n, W)``, or ``(1, W)`` of a clip.

    Octants are classes, half planes units; intensities follow the clip's mean, the highest is 1.
    """
    width = len(TASKS[task].columns)
    kind = TASKS[task].kind
    if kind == "values":
        return truth.astype(np.float32)
    if kind == "class":
        octant = np.floor(np.arctan2(truth[:, 1], truth[:, 0]) / (np.pi / 4)) % 8
        return (octant % width)[:, None].astype(np.float32)
    if kind == "labels":
        return (truth @ _UNITS[:, :width] > 0).astype(np.float32)
    scores = np.exp(truth.mean(axis=0, keepdims=True) @ _UNITS[:, :width])
    return (scores / scores.max()).astype(np.float32)


class Toy:
    """Clips ``c00``, ``c01``, ... with labels and the feature ``lin``, linear in valence and arousal (6-d, float16).

    Attributes:
        truth: label rows by task and clip.
        lost: clips that lack a feature, by its name.
        bundles: clips that are bundles of stills.
    """

    def __init__(
        self,
        path: Path,
        splits: Mapping[str, str],
        frames: int = 60,
        dataset: str = "toy",
        tasks: Sequence[str] = ("va",),
        sound: bool = False,
    ) -> None:
        self.layout = Layout(path, dataset)
        self.splits = dict(splits)
        self.recordings = {clip: clip for clip in splits}
        self.truth: dict[str, dict[str, np.ndarray]] = {task: {} for task in tasks}
        self.tables: dict[str, dict[str, FrameTable]] = {"lin": {}, **({"sound": {}} if sound else {})}
        self.lost: dict[str, set[str]] = {}
        self.bundles: set[str] = set()
        for clip in splits:
            self.add(clip, splits[clip], frames)
        self.write()

    @property
    def labels(self) -> dict[str, np.ndarray]:
        """Valence and arousal by clip."""
        return self.truth["va"]

    def add(self, clip: str, split: str, frames: int = 60) -> None:
        rng = np.random.default_rng(sum(map(ord, clip)))
        truth = smooth_labels(rng, frames)
        self.splits[clip], self.recordings[clip] = split, clip
        if split != "test":
            for task, table in self.truth.items():
                table[clip] = labels_of(task, truth)
        values = truth @ MIX + rng.normal(size=(frames, 6)) * 0.1
        everywhere = np.ones(frames, bool)
        self.tables["lin"][clip] = FrameTable(values.astype(np.float32), everywhere)
        if "sound" in self.tables:
            heard = truth[:, 1:] * [1.0, -0.5] + rng.normal(size=(frames, 2)) * 0.1
            self.tables["sound"][clip] = FrameTable(heard.astype(np.float32), everywhere)

    def write(self) -> None:
        """Index, labels and feature stores, as the stages before write them."""
        frames = {clip: len(table.valid) for clip, table in self.tables["lin"].items()}
        entries = {
            clip: {
                "recording": self.recordings[clip],
                "digest": digest(clip),
                "splits": self._splits(clip),
                "stills": [f"{row}.jpg" for row in range(frames[clip])] if clip in self.bundles else [],
                "labels": {},
            }
            for clip in self.splits
        }
        Manifest({"dataset": self.layout.dataset}, entries).write(self.layout.clips)
        self.write_labels()
        for feature in self.tables:
            self.write_feature(feature)

    def write_labels(self) -> None:
        for task, table in self.truth.items():
            self.layout.labels(task).parent.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(self.layout.labels(task), "w") as archive:
                for clip, rows in table.items():
                    with archive.open(f"{escape(clip)}.npy", "w") as stream:
                        np.lib.format.write_array(stream, rows)

    def _splits(self, clip: str) -> dict[str, str]:
        """A clip takes part in the tasks that it has labels of; test clips in all, those of no split in none."""
        split = self.splits[clip]
        own = [task for task, table in self.truth.items() if split == "test" or clip in table]
        return {} if split == "none" else dict.fromkeys(own, split)

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
        **({} if "tasks" in changes else {"task": "va"}),
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
