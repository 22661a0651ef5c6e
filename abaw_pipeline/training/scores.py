"""The score of each task: what the best epoch is chosen by, and ensembles are judged by. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from abaw_pipeline.metrics import macro_f1, mean_ccc, mean_f1, mean_pearson, mtl_sum
from abaw_pipeline.tasks import Kind, Task
from abaw_pipeline.tracks import Track

MEASURES: dict[Kind, str] = {
    "values": "CCC",
    "class": "F1",
    "labels": "F1",
    "intensities": "Pearson",
    "numbers": "CCC",
}
"""What the score of each kind of task is called."""
AVERAGED: dict[Kind, str] = {
    "values": "mean CCC",
    "class": "macro F1",
    "labels": "mean F1",
    "intensities": "mean Pearson correlation",
    "numbers": "mean CCC",
}
"""What it is called as one number for the task: the unweighted mean over its columns."""


def score(task: Task, truth: np.ndarray, prediction: np.ndarray, marks: np.ndarray) -> tuple[float, list[float]]:
    """A task's score, and its value per column: CCC, F1 of classes and labels, Pearson's correlation of intensities.

    Args:
        truth: ``(n, W)``, one number for a class, else one per column.
        prediction: ``(n, columns)``: values, numbers, probabilities of classes or of labels, intensities.
        marks: bool ``(n, W)``: which values of ``truth`` count.

    Raises:
        ValueError: no value counts, or the prediction for one that does is not finite.
    """
    known = marks.any(axis=1)
    if not known.any():
        raise ValueError(f"task '{task.name}': nothing annotated to score")
    if not np.isfinite(prediction[known]).all():
        raise ValueError(f"task '{task.name}': predictions are not finite")
    if task.kind == "class":
        return macro_f1(truth[known, 0].astype(np.int64), prediction[known].argmax(1), len(task.columns))
    measure = {"labels": mean_f1, "intensities": mean_pearson}.get(task.kind, mean_ccc)
    return measure(truth, prediction, marks)


def track_score(track: Track, means: Mapping[str, float]) -> float:
    """The score of a track, from that of each of its tasks."""
    return mtl_sum(**means) if track.name == "mtl" else means[track.tasks[0]]


def track_measure(track: Track) -> str:
    """What the score of a track is, in words."""
    return " + ".join(AVERAGED[task.kind] for task in track.parts)
