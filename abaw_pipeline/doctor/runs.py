"""Stretches of frames."""

from __future__ import annotations

import numpy as np


def longest(flags: np.ndarray) -> tuple[int, int]:
    """Start (from 0) and length of the longest run of true values in bool ``(n,)``; the first of equals."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    if not len(starts):
        return 0, 0
    best = int(np.argmax(lengths))
    return int(starts[best]), int(lengths[best])
