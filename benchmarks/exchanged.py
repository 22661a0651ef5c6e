"""The labels of a data set in the wrong places: what a training scores that has no truth to learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from abaw_pipeline.datasets.index import read_clips
from abaw_pipeline.runtime.keys import array_digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.names import escape
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.training.gather import read_tables
from abaw_pipeline.training.splits.folds import joint_splits
from abaw_pipeline.types import Clip


def relabelled(source: Layout, folder: Path, tasks: Sequence[str], shuffle: int | None) -> Layout:
    """A results folder with the same media and features, and labels that are those of other clips.

    Args:
        shuffle: seed of the exchange; ``None``: the true labels.
    """
    layout = Layout(folder, source.dataset)
    (layout.home / "features").mkdir(parents=True)
    for made in [*(source.home / "features").iterdir(), source.home / "media"]:
        (layout.home / made.relative_to(source.home)).symlink_to(made.resolve())
    tables = read_tables(source, tasks)
    if shuffle is not None:
        giver = _givers(_learnt_from(read_clips(source), tables), shuffle)
        tables = {task: _exchanged(labels, giver) for task, labels in tables.items()}
    index = Manifest.read(source.clips, "snakemake")
    for task, labels in tables.items():
        for clip, values in labels.items():
            index.clips[clip]["labels"][task]["content"] = array_digest(values)
        layout.labels(task).parent.mkdir(exist_ok=True)
        arrays: dict[str, Any] = {escape(clip): values for clip, values in labels.items()}
        np.savez(layout.labels(task), **arrays)
    index.write(layout.clips)
    return layout


def _learnt_from(clips: Sequence[Clip], tables: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, str]:
    """The recording of every clip of the training and validation sets that has labels of all tasks."""
    splits = joint_splits(clips, list(tables))
    return {
        clip.id: clip.recording
        for clip in sorted(clips, key=lambda clip: clip.id)
        if splits.get(clip.id) in ("train", "val") and all(clip.id in labels for labels in tables.values())
    }


def _givers(recordings: Mapping[str, str], seed: int) -> dict[str, str]:
    """Whose labels each clip takes: those of a clip of another recording, whose people share their arousal."""
    names = list(recordings)
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(names))  # a ring over a random order: nobody keeps their own
        giver = {names[order[i]]: names[order[i - 1]] for i in range(len(names))}
        if all(recordings[clip] != recordings[other] for clip, other in giver.items()):
            return giver


def _exchanged(labels: Mapping[str, np.ndarray], giver: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Labels of the givers, stretched to the number of rows of the clips that take them."""
    return {clip: _stretched(labels[other], len(labels[clip])) for clip, other in giver.items()}


def _stretched(rows: np.ndarray, length: int) -> np.ndarray:
    return rows[np.linspace(0, len(rows) - 1, length).round().astype(int)]
