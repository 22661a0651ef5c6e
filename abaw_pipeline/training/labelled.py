"""Clips in memory with the labels of their tasks.

Shape letters: N frames, r label rows, W label width (one number for a class, else one per column).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from abaw_pipeline.training.resident import Resident


@dataclass(frozen=True)
class Labels:
    """One task.

    Attributes:
        rows: int64 ``(r,)``: the frame (row of ``Labelled.clips``) of each label row, or the clip of each where the
            task has one label per clip. On the training side r is N (or the number of clips) and ``rows`` counts up.
        values: ``(r, W)`` float32.
        marks: ``(r, W)`` bool: which values count, see ``Task.marks``.
    """

    rows: np.ndarray
    values: np.ndarray
    marks: np.ndarray

    @property
    def annotated(self) -> np.ndarray:
        """Label rows with a value that counts, bool ``(r,)``."""
        return np.asarray(self.marks.any(axis=1))


@dataclass(frozen=True)
class Labelled:
    """Features of N frames, and the labels of every task by its name."""

    clips: Resident
    tasks: dict[str, Labels]
