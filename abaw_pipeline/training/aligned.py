"""Labels of one clip on its frame numbers.

Shape letters: n frames of a clip, m label rows of a task, r rows, W label width of a task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from abaw_pipeline.runtime.keys import array_digest, digest
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.settings import ExtraRows


@dataclass(frozen=True)
class OnFrames:
    """One task's labels: ``values`` ``(r, W)`` float32, zero where they do not count, and ``marks`` ``(r, W)``.

    r is the same for all tasks of a clip, or 1 for tasks with one label per clip.
    """

    values: np.ndarray
    marks: np.ndarray


@dataclass(frozen=True)
class Aligned:
    """Labels of one clip on its frames.

    Attributes:
        frames: n.
        rows: int64 ``(r,)`` frame (from 0) of each row, r = max(n, m): label row i belongs to frame number i + 1, and
            rows beyond the last frame take the last one.
        tasks: labels by task.
        extra: number of label rows beyond the last frame.
        stills: whether its frames are pictures for themselves, each a sequence of one.
    """

    frames: int
    rows: np.ndarray
    tasks: dict[str, OnFrames]
    extra: int
    stills: bool = False

    @property
    def digest(self) -> str:
        """Digest (16 digits) of everything in it."""
        arrays = [part for name in sorted(self.tasks) for part in (self.tasks[name].values, self.tasks[name].marks)]
        content = array_digest(self.rows, *arrays)
        return (digest([content, "stills"]) if self.stills else content)[:16]


def align_labels(
    labels: Mapping[str, np.ndarray], frames: int, settings: ExtraRows, clip: str, stills: bool = False
) -> Aligned:
    """Put label rows ``(m, W)`` by task on ``frames`` frames.

    Args:
        stills: as in ``Aligned``.

    Raises:
        ValueError: more label rows beyond the last frame than ``settings`` allow.
    """
    counts = {name: len(rows) for name, rows in labels.items() if TASKS[name].level == "frame"}
    most = max(counts.values(), default=0)
    extra = max(most - frames, 0)
    if extra > settings.tolerance and settings.policy == "skip_clip":
        raise ValueError(
            f"{clip}: {most} label rows for {frames} frames, {extra} too many (extra_rows.tolerance is "
            f"{settings.tolerance}; extra_rows.policy repeat_last keeps such clips)"
        )
    length = max(most, frames)
    found = {name: _padded(name, rows, length if name in counts else 1) for name, rows in labels.items()}
    return Aligned(frames, np.minimum(np.arange(length), frames - 1), found, extra, stills)


def unlabelled(task: str, length: int) -> OnFrames:
    """A clip's rows of a task that nobody annotated it for."""
    rows = length if TASKS[task].level == "frame" else 1
    return OnFrames(np.zeros((rows, TASKS[task].width), np.float32), np.zeros((rows, TASKS[task].width), bool))


def _padded(task: str, rows: np.ndarray, length: int) -> OnFrames:
    full, marks = np.zeros((length, rows.shape[1]), np.float32), np.zeros((length, rows.shape[1]), bool)
    marks[: len(rows)] = TASKS[task].marks(rows)
    full[: len(rows)] = np.where(marks[: len(rows)], rows, 0)
    return OnFrames(full, marks)
