"""Long sound through networks that see all of it at once: windows on a grid, with context on both sides.

The grid starts at the sound's first sample. A window gives the rows of its own part; the network sees ``context`` rows
more on either side, as far as there is sound: at the start and at the end it sees less, never padding. So a row depends
on its window alone, not on how windows are batched or where blocks begin, and sound appended to a file changes only the
rows of windows that had reached its end. Rows tile the sound without gap or double.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True)
class Window:
    """A piece of the sound."""

    first: int
    last: int
    """Its own rows ``[first, last)`` of the whole sound."""
    skipped: int
    """Rows of context before its own."""
    start: int
    stop: int
    """The samples ``[start, stop)`` that the network sees."""


def windows(samples: int, own: int, context: int, field: int, hop: int) -> Iterator[Window]:
    """The windows of a sound of ``samples`` samples, of which row ``r`` sees at least ``[r * hop, r * hop + field)``.

    Args:
        own: rows of a window's own part.
        context: rows seen on either side of it.
    """
    rows = max(0, 1 + (samples - field) // hop)
    for first in range(0, rows, own):
        last = min(first + own, rows)
        before, after = max(0, first - context), min(last + context, rows)
        stop = samples if after == rows else (after - 1) * hop + field
        yield Window(first, last, first - before, before * hop, stop)


def batches(all_windows: Iterator[Window], size: int) -> Iterator[list[Window]]:
    """Neighbouring windows of one length together, at most ``size`` of them."""
    for _, alike in groupby(all_windows, key=lambda window: window.stop - window.start):
        batch: list[Window] = []
        for window in alike:
            batch.append(window)
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch
