"""What a layout of the built-in corpus decides: who plays, where pictures lie, how labels are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from abaw_pipeline.demo.cast import Recording

Seconds = tuple[float, float]
"""Range of the length of a recording."""


@dataclass(frozen=True)
class Shape:
    """One layout, named as the adapter that reads it.

    Attributes:
        plan: the cast of ``clips``, ``seed`` and range of seconds; ``ValueError`` for too few or too many clips.
        video: where a recording goes, below the corpus's folder; ``None``: it is not written.
        crop: where the aligned crop of a clip's frame (from 1) goes; ``None``: it is not written.
        annotate: writes labels, hidden truth, lists and sample files of the whole cast (``performance.perform`` tells
            what everybody feels); after all recordings.
    """

    plan: Callable[[int, int, Seconds], list[Recording]]
    video: Callable[[Path, Recording], Path | None]
    crop: Callable[[Path, str, int], Path | None]
    annotate: Callable[[Path, Sequence[Recording], int], None]
