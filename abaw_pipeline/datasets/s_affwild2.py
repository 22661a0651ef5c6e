"""s-Aff-Wild2, the multi-task set: single frames of Aff-Wild2 with valence, arousal, expression and action units.

One file per split holds all of its clips. Crops alone do for visual features; recordings add the sound.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Literal

from abaw_pipeline.datasets.base import DataSet, need_file, need_folder
from abaw_pipeline.datasets.material import Splits, add_clips
from abaw_pipeline.datasets.mtl_labels import read_mtl_labels
from abaw_pipeline.datasets.samples import read_sample_file
from abaw_pipeline.datasets.settings import MaterialSettings, TaskName
from abaw_pipeline.tracks import TRACKS
from abaw_pipeline.types import Split


class SAffwild2Settings(MaterialSettings):
    """A folder laid out like s-Aff-Wild2."""

    adapter: Literal["s_affwild2"]
    tasks: list[TaskName] = ["va", "expr", "au"]
    """Tasks whose annotations are read."""
    annotations: dict[Literal["train", "val"], str] = {
        "train": "training_set_annotations.txt",
        "val": "validation_set_annotations.txt",
    }
    """Annotation file of each split. Test clips are those of the sample files."""

    @property
    def own(self) -> list[str]:
        return [*self.tasks]

    @property
    def watched(self) -> list[str]:
        return [*super().watched, *self.annotations.values()]


def find(settings: SAffwild2Settings, where: str) -> DataSet:
    """List the clips of the data set.

    Args:
        where: the settings' own key (``datasets.s_affwild2``), for messages.

    Returns:
        clips sorted by id, without digests. A frame that has several rows is settled and noted (``mtl_labels``); a clip
        with a row that is none, or without recording and crops, is in ``skipped`` and nowhere else; a file that is no
        annotation file, and a clip in two splits, in ``refused``.

    Raises:
        ValueError: a missing folder or file that the settings name.
    """
    root = need_folder(Path(settings.root), f"{where}.root")
    files = {key: need_file(root / name, f"{where}.annotations.{key}") for key, name in settings.annotations.items()}
    samples = {
        str(track): need_file(root / name, f"{where}.samples.{track}") for track, name in settings.samples.items()
    }
    found = DataSet(samples=samples, labels={task: {} for task in settings.tasks})
    splits: Splits = defaultdict(dict)
    faults: dict[str, str] = {}
    for split, path in files.items():
        faults = {**_add_labels(found, splits, split, path), **faults}
    for track, path in samples.items():
        for clip in {clip for clip, _ in read_sample_file(path, TRACKS[track])}:
            for task in TRACKS[track].tasks:
                splits[clip].setdefault(task, set()).add("test")
    add_clips(found, splits, faults, settings, root, where)
    return found


def _add_labels(found: DataSet, splits: Splits, split: Split, path: Path) -> dict[str, str]:
    """Add the labels and clips of one file; returns what is wrong with clips of it."""
    try:
        read = read_mtl_labels(path, found.labels)
    except (ValueError, OSError) as error:
        found.refused.append(str(error))
        return {}
    found.notes += read.notes
    for task, table in read.labels.items():
        found.labels[task].update(table)
        for clip in {*table, *read.faults}:
            splits[clip].setdefault(task, set()).add(split)
    return read.faults
