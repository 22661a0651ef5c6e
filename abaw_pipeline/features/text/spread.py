"""States of timed words onto the picture clock."""

from __future__ import annotations

import numpy as np

from abaw_pipeline.types import Clock, FrameTable

_SLACK = 1e-6  # seconds; less of a word than this is none of it, and the least that a word weighs where it counts


def on_frames(states: np.ndarray, starts: np.ndarray, ends: np.ndarray, clock: Clock) -> FrameTable:
    """One row per frame: the mean of the words said while it is on screen, weighted by how long they are said then.

    Frame ``i`` is on screen from its time until the next frame's (the last one for a median frame period).

    Args:
        states: ``(W, D)``, one row per word.
        starts: ``(W,)`` seconds on the clock's time line.
        ends: likewise; a word without length counts on the frame that shows its moment.

    Returns:
        Frames without a word are not valid and zero.
    """
    edges = np.append(clock.times, clock.times[-1] + clock.period)
    sums, said = np.zeros((len(clock), states.shape[1])), np.zeros(len(clock))
    for state, start, end in zip(states, starts, np.maximum(ends, starts + 2 * _SLACK), strict=True):
        first = max(int(np.searchsorted(edges, start + _SLACK, side="right")) - 1, 0)
        last = min(int(np.searchsorted(edges, end - _SLACK, side="right")), len(clock))
        shown = np.minimum(edges[first + 1 : last + 1], end) - np.maximum(edges[first:last], start)
        weights = np.maximum(shown, _SLACK)
        sums[first:last] += weights[:, None] * state
        said[first:last] += weights
    valid = said > 0
    sums[valid] /= said[valid, None]
    return FrameTable(sums.astype(np.float32), valid)
