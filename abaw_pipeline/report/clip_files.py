"""The CSV and the plot of one clip's predictions.

Shape letters: n frames, C columns.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from abaw_pipeline.report.clip_plot import clip_plot
from abaw_pipeline.runtime.files import atomic
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.types import Clock


def write_clip_csv(
    path: Path,
    clock: Clock,
    values: np.ndarray,
    face_valid: np.ndarray,
    audio_valid: np.ndarray,
    task: Task = TASKS["va"],
) -> None:
    """Write ``frame,time_s,<columns>,face_valid,audio_valid``, one row per frame, frames counted from 1.

    Columns are values, or the probability of each class or unit; before those of classes stands ``class``, the name of
    the most probable one. A task with one label per clip has its columns alone, in one row.

    Args:
        values: ``(n, C)``, or ``(1, C)`` where the task has one label per clip.
        face_valid, audio_valid: ``(n,)`` bool, written as 0 and 1.

    Raises:
        ValueError: lengths that differ, or values that are not finite.
    """
    _check(path, clock, values, face_valid, audio_valid, task)
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        if task.level == "clip":
            rows.writerows(_predictions(task, values))
            return
        frames = zip(clock.times, face_valid, audio_valid, strict=True)
        predictions = _predictions(task, values)
        rows.writerow(["frame", "time_s", *next(predictions), "face_valid", "audio_valid"])
        for number, (row, (time, face, audio)) in enumerate(zip(predictions, frames, strict=True), start=1):
            rows.writerow([number, f"{time:.6f}", *row, int(face), int(audio)])


def plot_clip(
    path: Path,
    clock: Clock,
    values: np.ndarray,
    face_valid: np.ndarray,
    audio_valid: np.ndarray,
    task: Task = TASKS["va"],
) -> None:
    """Write the same as a PNG plot over time; arguments and errors as ``write_clip_csv``."""
    _check(path, clock, values, face_valid, audio_valid, task)
    with atomic(path) as temporary:
        temporary.write_bytes(clip_plot(task, clock.times, values, face_valid, audio_valid))


def _predictions(task: Task, values: np.ndarray) -> Iterator[list[Any]]:
    """The names of the predicted columns, then their numbers row by row."""
    named = task.kind == "class"
    yield ["class"] * named + list(task.columns)
    for row in values:
        yield [task.columns[row.argmax()]] * named + [f"{value:.6f}" for value in row]


def _check(
    path: Path, clock: Clock, values: np.ndarray, face_valid: np.ndarray, audio_valid: np.ndarray, task: Task
) -> None:
    shapes = (values.shape, face_valid.shape, audio_valid.shape)
    n = len(clock)
    if shapes != ((1 if task.level == "clip" else n, len(task.columns)), (n,), (n,)):
        raise ValueError(f"{path}: the clip has {n} frames, but its values and flags have shapes {shapes}")
    if not np.isfinite(values).all():
        raise ValueError(f"{path}: frame {int(np.argwhere(~np.isfinite(values))[0][0]) + 1} is not finite")
