"""The score of a submission, from files alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from abaw_pipeline.datasets.base import some
from abaw_pipeline.datasets.samples import known_clip
from abaw_pipeline.submission.lint import track_named
from abaw_pipeline.submission.truth import read_predictions, read_truth
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.training import scores


@dataclass(frozen=True)
class TaskScore:
    """A task's score over its annotated frames (or clips).

    Attributes:
        columns: CCC, F1 or Pearson's correlation by column.
        rows: annotated rows that were compared. lacking: annotated rows without a prediction, which were not.
    """

    task: str
    mean: float
    columns: Mapping[str, float]
    rows: int
    clips: int
    lacking: int


def score_files(track: str, predictions: Path, labels: Path, partial: bool = False) -> tuple[float, list[TaskScore]]:
    """The score of a track, and what it is made of.

    Every annotated row counts once, whatever its clip; predictions for other rows do not count.

    Args:
        partial: leave out annotated rows without a prediction instead of refusing them.

    Raises:
        ValueError: files that cannot be read, nothing annotated, or rows without a prediction.
    """
    known = track_named(track)
    truth, predicted = read_truth(labels, known), read_predictions(predictions, known)
    found = [_score(TASKS[task], truth[task], predicted[task], predictions, partial) for task in known.tasks]
    return scores.track_score(known, {one.task: one.mean for one in found}), found


def _score(
    task: Task, truth: Mapping[str, np.ndarray], predicted: Mapping[str, np.ndarray], path: Path, partial: bool
) -> TaskScore:
    pairs, lacking = [], {}
    for clip, rows in truth.items():
        marks = task.marks(rows)
        given = _given(clip, len(rows), task, predicted)
        annotated, there = marks.any(axis=1), np.isfinite(given).all(axis=1)
        if (annotated & ~there).any():
            lacking[clip] = int((annotated & ~there).sum())
        if (annotated & there).any():
            pairs.append(tuple(part[annotated & there] for part in (rows, given, marks)))
    if lacking and not partial:
        raise ValueError(f"{path}: {_refused(lacking, task)}")
    if not pairs:
        raise ValueError(f"task '{task.name}': nothing annotated to score")
    wanted, values, marks = (np.concatenate(side) for side in zip(*pairs, strict=True))
    mean, columns = scores.score(task, wanted.astype(np.float64), _probabilities(values, task), marks)
    named = dict(zip(task.columns, columns, strict=True))
    return TaskScore(task.name, mean, named, len(wanted), len(pairs), sum(lacking.values()))


def _given(clip: str, count: int, task: Task, predicted: Mapping[str, np.ndarray]) -> np.ndarray:
    """Predictions for the ``count`` rows of a clip, ``(count, width)`` float64, NaN where there is none."""
    given = np.full((count, task.width), np.nan)
    known = known_clip(clip, predicted)
    if known is not None:
        own = predicted[known][:count]
        given[: len(own)] = own
    return given


def _probabilities(values: np.ndarray, task: Task) -> np.ndarray:
    """Predicted rows ``(n, width)`` as models predict them, ``(n, columns)``: of a class, 1 for it and 0 for others."""
    return np.eye(len(task.columns))[values[:, 0].astype(np.int64)] if task.kind == "class" else values


def _refused(lacking: Mapping[str, int], task: Task) -> str:
    clips = some([f"{clip} ({count})" for clip, count in lacking.items()])
    rows = sum(lacking.values())
    return f"{rows} annotated rows of '{task.name}' have no prediction: {clips}; --partial scores the others"
