"""Sound rows onto the picture clock, by real time. The only place where one clock is mapped to another.

Frame ``i`` is on screen from its time ``t_i`` until the next frame's ``t_{i+1}`` (the last one for a median frame
period). Its row is the mean of the sound rows whose centre lies in that interval: a click that sounds while a flash
is on screen lands on the frame that shows the flash, at any rate, and errors cannot add up because every frame is
placed by its own time. Where sound rows are further apart than frames, the two neighbours of the interval's middle
are interpolated.

Rows come in blocks, and a frame is given out as soon as no later row can change it: memory does not grow with the
length of the sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from abaw_pipeline.features.base import SAMPLE_RATE, Rows
from abaw_pipeline.types import Clock, FrameTable

FRAMES = 1024
"""Frames given out at once, at most."""
SPACED = 128
"""Rows at the beginning by which the usual distance between two rows is told."""
_SLACK = 1e-9  # seconds; sums of 0.01 s steps may fall this far short of a frame's time


def align(
    values: np.ndarray, centres: np.ndarray, start_s: float, heard: np.ndarray, unit_s: float, clock: Clock
) -> FrameTable:
    """``align_blocks`` of one block, as one table; ``values`` is ``(M, D)`` and ``centres`` ``(M,)``."""
    tables = list(align_blocks([(values, centres)], values.shape[1], start_s, heard, unit_s, clock))
    return FrameTable(np.concatenate([t.values for t in tables]), np.concatenate([t.valid for t in tables]))


def align_blocks(
    blocks: Iterable[Rows], dimension: int, start_s: float, heard: np.ndarray, unit_s: float, clock: Clock
) -> Iterator[FrameTable]:
    """One row per frame of ``clock``, in tables of consecutive frames. Where blocks begin changes no value.

    Args:
        blocks: rows ``(M, D)`` and their centres ``(M,)`` in seconds from the first sample, increasing throughout.
        dimension: D.
        start_s: time of the first sample on the clock's time line.
        heard: ``(k, 2)`` intervals of samples that come from the recording (the rest is padding).
        unit_s: seconds of sound that one row describes; a row stands in for none that is further away.

    Returns:
        A frame is valid when its time lies in heard sound and sound rows describe it; other rows are zero.

    Raises:
        ValueError: rows of another dimension.
    """
    heard_s = start_s + np.asarray(heard, np.float64).reshape(-1, 2) / SAMPLE_RATE
    out = _Frames(clock, heard_s, dimension, unit_s)
    for values, centres in blocks:
        if values.ndim != 2 or values.shape[1] != dimension:
            raise ValueError(f"the sound is described by {values.shape}, the spec says (rows, {dimension})")
        rows = _inside(start_s + centres, heard_s)
        out.take(values[rows], start_s + centres[rows])
        yield from out.settled()
        if out.next == len(clock):
            return
    yield from out.rest()


class _Frames:
    """Frames of one clock on their way out, and the rows that those to come may need."""

    def __init__(self, clock: Clock, heard_s: np.ndarray, dimension: int, unit_s: float) -> None:
        self._edges = np.append(clock.times, clock.times[-1] + clock.period)
        self._heard_s, self._unit_s = heard_s, unit_s
        self._values, self._centres = np.empty((0, dimension), np.float32), np.empty(0)
        self._reach: float | None = None
        self.next = 0
        """The first frame that was not given out."""

    def take(self, values: np.ndarray, centres: np.ndarray) -> None:
        kept = self._still_needed()
        self._values = np.concatenate([self._values[kept:], values])
        self._centres = np.concatenate([self._centres[kept:], centres])
        if self._reach is None and len(self._centres) >= SPACED:
            self._reach = self._reach_now()

    def _still_needed(self) -> int:
        """The first row that a frame to come may need: the one before its interval."""
        if self._reach is None:
            return 0
        return max(0, int(np.searchsorted(self._centres, self._edges[self.next] - _SLACK)) - 1)

    def settled(self) -> Iterator[FrameTable]:
        """Frames before the last row: every row inside them, and the row after them, is there."""
        if self._reach is not None:
            last = int(np.searchsorted(self._edges, self._centres[-1], side="right")) - 1
            yield from self._until(min(last, len(self._edges) - 1))

    def rest(self) -> Iterator[FrameTable]:
        """All frames that are left: no row comes any more."""
        self._reach = self._reach_now() if self._reach is None else self._reach
        yield from self._until(len(self._edges) - 1)

    def _reach_now(self) -> float:
        return max(self._unit_s, _spacing(self._centres[:SPACED]))

    def _until(self, last: int) -> Iterator[FrameTable]:
        while self.next < last:
            first, self.next = self.next, min(self.next + FRAMES, last)
            yield self._table(first, self.next)

    def _table(self, first: int, last: int) -> FrameTable:
        """Frames ``first`` to ``last``, the latter left out."""
        assert self._reach is not None
        values, centres, edges = self._values, self._centres, self._edges[first : last + 1]
        out, valid = np.zeros((last - first, values.shape[1]), np.float32), _inside(edges[:-1], self._heard_s)
        if len(values) == 0:
            return FrameTable(out, np.zeros_like(valid))
        bounds = np.searchsorted(centres, edges - _SLACK)
        filled = bounds[1:] > bounds[:-1]
        out[filled] = _means(values, bounds[:-1][filled], bounds[1:][filled])
        empty = np.flatnonzero(valid & ~filled)
        out[empty], near = _between(values, centres, (edges[empty] + edges[empty + 1]) / 2, self._reach)
        valid[empty] = near
        out[~valid] = 0
        return FrameTable(out, valid)


def _inside(times: np.ndarray, intervals: np.ndarray) -> np.ndarray:
    """Which times lie in one of the half-open ``(k, 2)`` intervals, which are sorted and do not overlap."""
    if len(intervals) == 0:
        return np.zeros(len(times), bool)
    at = np.searchsorted(intervals[:, 0], times + _SLACK, side="right") - 1
    return (at >= 0) & (times < intervals[np.maximum(at, 0), 1] - _SLACK)


def _means(values: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Mean of ``values[first[i]:last[i]]`` for every i; the ranges are not empty and each starts where one ends."""
    if len(first) == 0:
        return np.empty((0, values.shape[1]))
    sums = np.add.reduceat(values[: last[-1]], first, axis=0, dtype=np.float64)
    return sums / (last - first)[:, None]


def _between(values: np.ndarray, centres: np.ndarray, times: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Linear interpolation at ``times``; beyond the ends, and across gaps, the near row alone.

    Returns:
        values, and whether any row lies within ``reach`` seconds.
    """
    after = np.searchsorted(centres, times)
    left, right = np.maximum(after - 1, 0), np.minimum(after, len(centres) - 1)
    to_left, to_right = np.abs(times - centres[left]), np.abs(centres[right] - times)
    span = np.maximum(to_left + to_right, _SLACK)
    weight = to_left / span
    weight = np.where(to_right > reach + _SLACK, 0.0, np.where(to_left > reach + _SLACK, 1.0, weight))[:, None]
    mixed = values[left] * (1 - weight) + values[right] * weight
    return mixed, np.minimum(to_left, to_right) <= reach + _SLACK


def _spacing(centres: np.ndarray) -> float:
    return float(np.median(np.diff(centres))) if len(centres) > 1 else 0.0
