"""Sound rows onto the picture clock, by real time. The only place where one clock is mapped to another.

Frame ``i`` is on screen from its time ``t_i`` until the next frame's ``t_{i+1}`` (the last one for a median frame
period). Its row is the mean of the sound rows whose centre lies in that interval: a click that sounds while a flash
is on screen lands on the frame that shows the flash, at any rate, and errors cannot add up because every frame is
placed by its own time. Where sound rows are further apart than frames, the two neighbours of the interval's middle
are interpolated.
"""

from __future__ import annotations

import numpy as np

from abaw_pipeline.features.base import SAMPLE_RATE
from abaw_pipeline.types import Clock, FrameTable

_SLACK = 1e-9  # seconds; sums of 0.01 s steps may fall this far short of a frame's time


def align(
    values: np.ndarray, centres: np.ndarray, start_s: float, heard: np.ndarray, unit_s: float, clock: Clock
) -> FrameTable:
    """One row per frame of ``clock``.

    Args:
        values: ``(M, D)``, one row per piece of sound.
        centres: ``(M,)``, seconds from the first sample, increasing.
        start_s: time of the first sample on the clock's time line.
        heard: ``(k, 2)`` intervals of samples that come from the recording (the rest is padding).
        unit_s: seconds of sound that one row describes; a row stands in for none that is further away.

    Returns:
        A frame is valid when its time lies in heard sound and sound rows describe it; other rows are zero.
    """
    heard_s = start_s + np.asarray(heard, np.float64).reshape(-1, 2) / SAMPLE_RATE
    rows = _inside(start_s + centres, heard_s)
    values, centres = values[rows], start_s + centres[rows]
    out = np.zeros((len(clock), values.shape[1]), np.float32)
    valid = _inside(clock.times, heard_s)
    if len(values) == 0:
        return FrameTable(out, np.zeros(len(clock), bool))
    edges = np.append(clock.times, clock.times[-1] + clock.period)
    bounds = np.searchsorted(centres, edges - _SLACK)
    filled = bounds[1:] > bounds[:-1]
    out[filled] = _means(values, bounds[:-1][filled], bounds[1:][filled])
    empty = np.flatnonzero(valid & ~filled)
    middle = (edges[empty] + edges[empty + 1]) / 2
    out[empty], near = _between(values, centres, middle, max(unit_s, _spacing(centres)))
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
