"""Where Aff-Wild2 keeps things and how it writes them: annotations, test lists, sample submissions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from abaw_pipeline.demo.cast import Recording, plan
from abaw_pipeline.demo.performance import perform
from abaw_pipeline.demo.shape import Shape
from abaw_pipeline.demo.texts import label_text, sample_rows, sample_text
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.tracks import TRACKS
from abaw_pipeline.types import Split

_SET_FOLDERS = {"train": "Train_Set", "val": "Validation_Set"}


def crop_path(root: Path, clip: str, number: int) -> Path:
    """The official crop of frame ``number``, counted from 1."""
    return root / "cropped_aligned" / clip / f"{number:05d}.jpg"


def label_path(root: Path, split: Split, task: Task, clip: str) -> Path:
    """The annotation file of a clip; of a test clip, the hidden truth, which no annotation folder holds."""
    folder = root / "truth" / task.name if split == "test" else root / task.folders[0] / _SET_FOLDERS[split]
    return folder / f"{clip}.txt"


def write_labels(root: Path, split: Split, clip: str, labels: Mapping[str, np.ndarray]) -> None:
    """Write one file per task.

    Args:
        labels: task name to ``(rows, width)``.
    """
    for name, values in labels.items():
        path = label_path(root, split, TASKS[name], clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(label_text(TASKS[name], values), encoding="utf-8")


def write_samples(root: Path, rows: Sequence[tuple[str, int]]) -> None:
    """Write the test lists and the sample submissions; rows of the expression file end in commas here and there.

    Args:
        rows: test clips in the organisers' order, with the number of rows that a submission must hold.
    """
    for task in (task for task in TASKS.values() if task.folders):
        names = root / "names_of_videos_in_each_test_set" / f"{task.name}_test_set_release.txt"
        names.parent.mkdir(parents=True, exist_ok=True)
        names.write_text("".join(f"{clip}\n" for clip, _ in rows), encoding="utf-8")
        sample = root / "sample_submission" / f"{task.name}.txt"
        sample.parent.mkdir(parents=True, exist_ok=True)
        sample.write_text(sample_text(TRACKS[task.name], rows, commas=task.name == "expr"), encoding="utf-8")


def _video(root: Path, recording: Recording) -> Path:
    return root / recording.batch / f"{recording.name}.mp4"


def _annotate(root: Path, recordings: Sequence[Recording], seed: int) -> None:
    for recording in recordings:
        for person, part in zip(recording.people, perform(recording, seed), strict=True):
            if person.clip is not None:
                write_labels(root, recording.split, person.clip, part.labels)
    write_samples(root, sample_rows(recordings, seed))


SHAPE = Shape(plan, _video, crop_path, _annotate)
