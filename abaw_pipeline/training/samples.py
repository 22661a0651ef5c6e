"""One clip's features and labels on its frame numbers, and the statistics features are standardised by.

Shape letters: n frames of a clip, m label rows, D input dimension (all features side by side), F features,
C predicted columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from abaw_pipeline.training.settings import ExtraRows
from abaw_pipeline.types import FrameTable


def join_features(tables: Sequence[FrameTable], gap: str, clip: str) -> tuple[np.ndarray, np.ndarray]:
    """Features side by side, gaps filled.

    Args:
        gap: ``nearest`` or ``zero``, see ``TrainingSettings.gap``.

    Returns:
        values ``(n, D)`` in the widest of the features' types, and known ``(n, F)``: where a feature has a value
        (its own, or its nearest); elsewhere zero is put in after standardisation.

    Raises:
        ValueError: features of different lengths.
    """
    lengths = {len(table.valid) for table in tables}
    if len(lengths) > 1:
        raise ValueError(f"{clip}: its features have different numbers of frames ({sorted(lengths)}); extract again")
    filled = [_nearest(table) if gap == "nearest" else table for table in tables]
    return np.concatenate([table.values for table in filled], axis=1), np.stack([t.valid for t in filled], axis=1)


def _nearest(table: FrameTable) -> FrameTable:
    """Every row without a value takes the nearest that has one, the earlier of two equally near ones."""
    valid = np.flatnonzero(table.valid)
    if len(valid) in (0, len(table.valid)):
        return table
    rows = np.arange(len(table.valid))
    place = np.searchsorted(valid, rows)
    before, after = valid[np.maximum(place - 1, 0)], valid[np.minimum(place, len(valid) - 1)]
    source = np.where(np.abs(rows - before) <= np.abs(after - rows), before, after)
    return FrameTable(table.values[source], np.ones(len(rows), bool))


@dataclass(frozen=True)
class Aligned:
    """Labels of one clip on its frames.

    Attributes:
        rows: ``(r,)`` frame (from 0) of each row, r = max(n, m): label row i belongs to frame number i + 1, and rows
            beyond the last frame take the last one.
        labels: ``(r, C)`` float32, zero where not annotated.
        annotated: ``(r,)`` bool; frames without a label row are not.
        extra: number of label rows beyond the last frame.
    """

    rows: np.ndarray
    labels: np.ndarray
    annotated: np.ndarray
    extra: int

    @property
    def frames(self) -> int:
        """n."""
        return int(self.rows[-1]) + 1


def align_labels(labels: np.ndarray, annotated: np.ndarray, frames: int, settings: ExtraRows, clip: str) -> Aligned:
    """Put label rows ``(m, C)`` and their marks ``(m,)`` on ``frames`` frames.

    Raises:
        ValueError: more label rows beyond the last frame than ``settings`` allow.
    """
    extra = max(len(labels) - frames, 0)
    if extra > settings.tolerance and settings.policy == "skip_clip":
        raise ValueError(
            f"{clip}: {len(labels)} label rows for {frames} frames, {extra} too many (extra_rows.tolerance is "
            f"{settings.tolerance}; extra_rows.policy repeat_last keeps such clips)"
        )
    length = max(len(labels), frames)
    full, marks = np.zeros((length, labels.shape[1]), np.float32), np.zeros(length, bool)
    full[: len(labels)] = np.where(annotated[:, None], labels, 0)
    marks[: len(labels)] = annotated
    return Aligned(np.minimum(np.arange(length), frames - 1), full, marks, extra)


class Moments:
    """Running mean and standard deviation per column over valid rows only (Chan, Golub and LeVeque, 1983)."""

    def __init__(self, widths: Sequence[int]) -> None:
        self.edges = np.cumsum([0, *widths])
        self.count = np.zeros(len(widths), np.int64)
        self._mean = np.zeros(self.edges[-1])
        self._square = np.zeros(self.edges[-1])

    def add(self, tables: Sequence[FrameTable]) -> None:
        """Count one clip's tables, one a feature, as stored: before gaps are filled."""
        for index, table in enumerate(tables):
            values = table.values[table.valid].astype(np.float64)
            if not len(values):
                continue
            at = slice(self.edges[index], self.edges[index + 1])
            total = self.count[index] + len(values)
            shift = values.mean(0) - self._mean[at]
            self._square[at] += ((values - values.mean(0)) ** 2).sum(0)
            self._square[at] += shift**2 * self.count[index] * len(values) / total
            self._mean[at] += shift * len(values) / total
            self.count[index] = total

    def result(self, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation ``(D,)`` float32; 1 for columns that do not vary.

        Raises:
            ValueError: a feature without one valid row.
        """
        for name, count in zip(names, self.count, strict=True):
            if not count:
                raise ValueError(f"feature '{name}' has no valid row in any training clip; leave it out")
        deviation = np.sqrt(self._square / np.repeat(self.count, np.diff(self.edges)))
        steady = deviation <= 1e-6 * np.maximum(np.abs(self._mean), 1e-6)
        return self._mean.astype(np.float32), np.where(steady, 1, deviation).astype(np.float32)
