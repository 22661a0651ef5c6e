"""Labels with a time of their own, put on the frames of a clip.

Shape letters: N frames, m labels, W label width. Times are in seconds on the recording's time line.
"""

from __future__ import annotations

import numpy as np

SLACK_S = 6e-4
"""Times in tables are often rounded to milliseconds: they may miss a frame's own time by half of one."""
_ADJACENT = 1.5
"""Labels that are no more than this many usual steps apart follow one another; further apart, some are missing."""


def reach(times: np.ndarray, shown: np.ndarray) -> float:
    """How far from its time a label holds: half the usual step of the labels, or of the frames if that is longer."""
    steps = [float(np.median(np.diff(np.sort(clock)))) for clock in (times, shown) if len(clock) > 1]
    return max(steps, default=1.0) / 2 + SLACK_S


def at_times(times: np.ndarray, values: np.ndarray, shown: np.ndarray, smooth: bool) -> np.ndarray:
    """Labels ``(N, W)`` of frames from labels at points in time; NaN where none reaches.

    A frame takes the label that is nearest to its time, within ``reach``. With ``smooth``, a frame between two
    labels that follow one another takes the mixture of both by its distance from them (linear interpolation).

    Args:
        times: ``(m,)``, all different, in any order, m at least 1. values: ``(m, W)``, NaN where nobody annotated.
        shown: ``(N,)`` times of the frames, never decreasing.
    """
    order = np.argsort(times)
    times, values = times[order], values[order]
    after = np.searchsorted(times, shown).clip(max=len(times) - 1)
    before = (after - 1).clip(min=0)
    to_before, to_after = np.abs(shown - times[before]), np.abs(times[after] - shown)
    near = np.where(to_before <= to_after, before, after)
    within = np.minimum(to_before, to_after) <= reach(times, shown)
    found = np.where(within[:, None], values[near], np.nan)
    if not smooth or len(times) < 2:
        return found
    gap = times[after] - times[before]
    between = (times[before] < shown) & (shown < times[after]) & (gap <= _ADJACENT * np.median(np.diff(times)))
    weight = (to_before / np.where(gap > 0, gap, 1))[:, None]
    mixed = (1 - weight) * values[before] + weight * values[after]
    return np.where(between[:, None] & ~np.isnan(mixed), mixed, found)


def in_intervals(spans: np.ndarray, values: np.ndarray, shown: np.ndarray) -> tuple[np.ndarray, list[int], list[int]]:
    """Labels ``(N, W)`` of frames from labels of intervals; NaN outside of them.

    A frame takes the label of the interval that its time lies in, the end not included. Where several intervals hold
    a frame and differ, it stays without a label.

    Args:
        spans: ``(m, 2)`` start and end. values: ``(m, W)``.

    Returns:
        the labels; which intervals hold no frame; and which contradict an earlier one.
    """
    found = np.full((len(shown), values.shape[1]), np.nan)
    taken, disputed = np.zeros(len(shown), bool), np.zeros(len(shown), bool)
    empty, clashing = [], []
    for i, (first, end) in enumerate(np.searchsorted(shown, spans - SLACK_S)):
        held = slice(first, end)
        same = ((found[held] == values[i]) | (np.isnan(found[held]) & np.isnan(values[i]))).all(axis=1)
        clash = taken[held] & ~same
        if first == end:
            empty.append(i)
        if clash.any():
            clashing.append(i)
        disputed[held] |= clash
        found[held] = np.where(taken[held, None], found[held], values[i])
        taken[held] = True
    found[disputed] = np.nan
    return found, empty, clashing
