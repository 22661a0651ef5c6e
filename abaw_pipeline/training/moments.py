"""The statistics that features are standardised by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from abaw_pipeline.types import FrameTable

_ROWS = 256
"""Rows at a time: their float64 copy stays in the processor's cache."""


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
            values = table.values if table.valid.all() else table.values[table.valid]
            for start in range(0, len(values), _ROWS):
                self._add(index, values[start : start + _ROWS].astype(np.float64))

    def _add(self, index: int, values: np.ndarray) -> None:
        at = slice(self.edges[index], self.edges[index + 1])
        total = self.count[index] + len(values)
        mean = values.mean(0)
        shift = mean - self._mean[at]
        values -= mean
        self._square[at] += np.einsum("nd,nd->d", values, values)
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
