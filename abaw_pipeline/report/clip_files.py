"""The CSV and the plot of one clip's predictions."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from abaw_pipeline.report.plots import clip_plot
from abaw_pipeline.runtime.files import atomic
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.types import Clock


def write_clip_csv(
    path: Path,
    clock: Clock,
    values: np.ndarray,
    face_valid: np.ndarray,
    audio_valid: np.ndarray,
    columns: tuple[str, ...] = TASKS["va"].columns,
) -> None:
    """Write ``frame,time_s,<columns>,face_valid,audio_valid``, one row per frame, frames counted from 1.

    Args:
        values: ``(n, C)``.
        face_valid, audio_valid: ``(n,)`` bool, written as 0 and 1.

    Raises:
        ValueError: lengths that differ, or values that are not finite.
    """
    _check(path, clock, values, face_valid, audio_valid, columns)
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["frame", "time_s", *columns, "face_valid", "audio_valid"])
        for i, row in enumerate(values):
            numbers = [f"{value:.6f}" for value in row]
            rows.writerow([i + 1, f"{clock.times[i]:.6f}", *numbers, int(face_valid[i]), int(audio_valid[i])])


def plot_clip(
    path: Path,
    clock: Clock,
    values: np.ndarray,
    face_valid: np.ndarray,
    audio_valid: np.ndarray,
    columns: tuple[str, ...] = TASKS["va"].columns,
) -> None:
    """Write the same as a PNG plot over time; arguments and errors as ``write_clip_csv``."""
    _check(path, clock, values, face_valid, audio_valid, columns)
    with atomic(path) as temporary:
        temporary.write_bytes(clip_plot(clock.times, values, columns, face_valid, audio_valid))


def _check(
    path: Path,
    clock: Clock,
    values: np.ndarray,
    face_valid: np.ndarray,
    audio_valid: np.ndarray,
    columns: tuple[str, ...],
) -> None:
    shapes = (values.shape, face_valid.shape, audio_valid.shape)
    n = len(clock)
    if shapes != ((n, len(columns)), (n,), (n,)):
        raise ValueError(f"{path}: the clip has {n} frames, but its values and flags have shapes {shapes}")
    if not np.isfinite(values).all():
        raise ValueError(f"{path}: frame {int(np.argwhere(~np.isfinite(values))[0][0]) + 1} is not finite")
