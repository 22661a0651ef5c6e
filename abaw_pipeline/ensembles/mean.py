"""Fusion by the mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def mean(predictions: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over models of ``(n, C)`` predictions each, ``(n, C)`` float32, summed in float64.

    Raises:
        ValueError: predictions of different shapes.
    """
    shapes = {values.shape for values in predictions}
    if len(shapes) != 1:
        raise ValueError(f"the models' predictions have different shapes: {sorted(shapes)}")
    return np.stack(predictions).mean(axis=0, dtype=np.float64).astype(np.float32)
