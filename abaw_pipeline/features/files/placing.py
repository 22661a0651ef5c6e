"""Rows of a file onto the picture clock: by the number of the frame, or by time. Where they do not fit, both counts.

Shape letters: n rows, D feature dimension.
"""

from __future__ import annotations

import numpy as np

from abaw_pipeline.features.align import align
from abaw_pipeline.features.base import SAMPLE_RATE
from abaw_pipeline.types import Clock, FrameTable

HALF = 0.5
"""Share of what a frame is made of that must come from rows that say something."""


def by_number(
    values: np.ndarray, said: np.ndarray, numbers: np.ndarray | None, first: int, extra: int, clock: Clock
) -> FrameTable:
    """Each row on the frame that has its number, or its place in the file where rows have none.

    Args:
        values: ``(n, D)``; said: ``(n,)`` bool, rows that hold a value.
        numbers: ``(n,)`` increasing, of frames that are counted from ``first``; a frame without one is not valid.
        extra: rows past the last frame that are dropped, or frames past the last row that are not valid.

    Raises:
        ValueError: more rows or frames than that are left over, or a number lies before the first frame.
    """
    count, frames = len(values), len(clock)
    places = np.arange(count) if numbers is None else numbers - first
    last = int(places[-1]) + 1 if count else 0
    if count == 0 or last - frames > extra or (numbers is None and frames - last > extra):
        named = "" if numbers is None or count == 0 else f", the last of them number {numbers[-1]},"
        raise ValueError(f"{count} rows{named} for {frames} frames ('extra_rows' allows {extra})")
    if places[0] < 0:
        raise ValueError(f"its first row has number {places[0] + first}, the settings say 'first_frame: {first}'")
    out = FrameTable(np.zeros((frames, values.shape[1]), np.float32), np.zeros(frames, bool))
    kept = places < frames
    out.values[places[kept]], out.valid[places[kept]] = values[kept], said[kept]
    return out


def by_time(
    values: np.ndarray, said: np.ndarray, seconds: np.ndarray, unit_s: float, extra: int, clock: Clock
) -> FrameTable:
    """Each row at its time, as rows of sound are placed (``features/align.py``).

    A frame is valid where rows that say something make at least half of its value; the others count for nothing.

    Args:
        seconds: ``(n,)`` on the recording's time line, increasing.
        unit_s: seconds that one row describes; a row stands in for none further away than this or the rows' spacing.
        extra: rows, and frames, that may be left over at either end.

    Raises:
        ValueError: times decrease, or more rows or frames than ``extra`` are left over.
    """
    count, frames = len(values), len(clock)
    if not np.isfinite(seconds).all() or np.any(np.diff(seconds) < 0):
        raise ValueError("its times are not finite or decrease")
    reach = max(unit_s, float(np.median(np.diff(seconds))) if count > 1 else 0.0, clock.period)
    start, end = float(clock.times[0]), float(clock.times[-1]) + clock.period
    outside = int(((seconds < start - reach) | (seconds > end + reach)).sum())
    first, last = (seconds[0], seconds[-1]) if count else (np.inf, -np.inf)
    bare = int(((clock.times < first - reach) | (clock.times > last + reach)).sum())
    if count == 0 or outside > extra or bare > extra:
        raise ValueError(
            f"{count} rows for {frames} frames: {outside} rows lie outside the clip ({start:.2f} to {end:.2f} s), "
            f"{bare} frames before or after all rows ('extra_rows' allows {extra})"
        )
    everywhere = np.array([[min(start, seconds[0]) - 1, max(end, seconds[-1]) + 1]]) * SAMPLE_RATE
    placed = align(np.column_stack([values, said]), seconds, 0.0, everywhere, unit_s, clock)
    share = placed.values[:, -1:]
    valid = placed.valid & (share[:, 0] >= HALF)
    out = np.divide(placed.values[:, :-1], share, out=np.zeros_like(placed.values[:, :-1]), where=valid[:, None])
    return FrameTable(out, valid)
