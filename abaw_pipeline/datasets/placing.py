"""Rows of a table of labels, put on the frames of their clip."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from abaw_pipeline.datasets.base import Note, some
from abaw_pipeline.datasets.label_tables import LabelTable, Row
from abaw_pipeline.datasets.labels import MOST_FRAMES, dense
from abaw_pipeline.datasets.on_frames import SLACK_S, at_times, in_intervals, reach
from abaw_pipeline.tasks import Task
from abaw_pipeline.types import Clip

Shown = Callable[[str], np.ndarray]
"""When the pictures of a recording are shown, in seconds; none of a recording without pictures."""


def frame_labels(
    rows: Sequence[Row], table: LabelTable, path: Path, task: Task, clip: Clip, shown: Shown, notes: list[Note]
) -> np.ndarray:
    """Labels ``(frames, task.width)`` float32, NaN where nobody annotated; one row where the task has one per clip.

    Numbers between two moments are mixed, classes and marks are those of the nearest moment (``on_frames.at_times``).
    With neither pictures nor a frame rate only labels per frame have a place.

    Args:
        notes: takes what can not be placed.

    Raises:
        ValueError: a recording that can not be read; or no times of frames to place labels by.
    """
    values = np.array([row.values for row in rows], float)
    if task.level == "clip":
        return values.astype(np.float32)
    if table.per == "frame":
        return dense([(clip.id, int(row.place[0])) for row in rows], values)[clip.id]
    places = np.array([row.place for row in rows])
    times = _times(clip, places, table.per, shown)
    if table.per == "clip":
        return np.repeat(values, len(times), axis=0).astype(np.float32)
    if table.per == "time":
        moments = places[:, 0]
        found = at_times(moments, values, times, task.kind not in ("class", "labels"))
        far = reach(moments, times)
        unheld = np.flatnonzero((moments < times[0] - far) | (moments > times[-1] + far)).tolist()
    else:
        found, unheld, clashing = in_intervals(places, values, times)
        _tell(notes, rows, clashing, path, clip, "other labels than an earlier row", "left unlabelled where both hold")
    _tell(notes, rows, unheld, path, clip, "no frame is shown then", "the row is left out")
    return found.astype(np.float32)


def _times(clip: Clip, places: np.ndarray, per: str, shown: Shown) -> np.ndarray:
    """When the frames of a clip are shown; by the rate, as far as the labels go, where there are no pictures."""
    times = shown(clip.video) if clip.video else np.empty(0)
    if len(times):
        return times
    if not clip.rate:
        raise ValueError("no pictures and no frame rate to place labels by; state a 'rate'")
    if per == "clip":
        raise ValueError("no pictures, so that nobody knows how many frames a label per clip stands for")
    last = places.max() * clip.rate
    frames = round(last) + 1 if per == "time" else math.ceil(last - SLACK_S * clip.rate)
    return np.arange(min(max(frames, 1), MOST_FRAMES)) / clip.rate


def _tell(
    notes: list[Note], rows: Sequence[Row], which: Sequence[int], path: Path, clip: Clip, what: str, then: str
) -> None:
    if which:
        lines = some([str(rows[i].line) for i in which])
        notes.append(Note("warning", f"{path}: line {lines}", f"clip '{clip.id}': {what}", then, clip.id))
