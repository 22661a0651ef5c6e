"""Thresholds of units, written into their probabilities: from 0.5 on a unit is present, here as everywhere."""

from __future__ import annotations

import numpy as np

from abaw_pipeline.metrics import THRESHOLD


def centred(probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """``(n, C)`` probabilities, bent in two straight pieces so that ``thresholds`` ``(C,)`` in (0, 1) come to 0.5.

    0 and 1 stay where they are, and the order within a unit is kept.
    """
    below = probabilities * (THRESHOLD / thresholds)
    above = THRESHOLD + (1 - THRESHOLD) * (probabilities - thresholds) / (1 - thresholds)
    return np.where(probabilities < thresholds, below, above)
