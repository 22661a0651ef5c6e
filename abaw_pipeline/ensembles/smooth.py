"""Smoothing over time, within one clip.

Shape letters: n frames, C columns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter, uniform_filter1d
from scipy.signal import lfilter

from abaw_pipeline.ensembles.settings import SmoothName


def smooth(values: np.ndarray, name: SmoothName, sizes: np.ndarray) -> np.ndarray:
    """Every column of ``(n, C)`` smoothed by its own size (frames); size 0 leaves a column as it is.

    Frames past an end of the clip count as its first or last one, so that a constant stays what it is and nothing of
    another clip enters. Probabilities of classes that share one size keep their sum.
    """
    columns = [
        _FILTERS[name](column, size) if size > 0 else column for column, size in zip(values.T, sizes, strict=True)
    ]
    return np.stack(columns, axis=1)


def _gaussian(column: np.ndarray, sigma: float) -> np.ndarray:
    """Weights of a normal distribution with deviation ``sigma`` frames, cut off at four of them."""
    return np.asarray(gaussian_filter1d(column, sigma, mode="nearest"))


def _box(column: np.ndarray, side: float) -> np.ndarray:
    """Mean over ``side`` frames on either side and the frame itself."""
    return np.asarray(uniform_filter1d(column, 2 * round(side) + 1, mode="nearest"))


def _median(column: np.ndarray, side: float) -> np.ndarray:
    """Median over ``side`` frames on either side and the frame itself."""
    return np.asarray(median_filter(column, 2 * round(side) + 1, mode="nearest"))


def _exponential(column: np.ndarray, frames: float) -> np.ndarray:
    """``y[i] = a x[i] + (1 - a) y[i - 1]`` from ``y[0] = x[0]``, ``a = 1 / (frames + 1)``: it looks back alone."""
    share = 1 / (frames + 1)
    return np.asarray(lfilter([share], [1, share - 1], column, zi=[(1 - share) * column[0]])[0])


_FILTERS: dict[SmoothName, Callable[[np.ndarray, float], np.ndarray]] = {
    "gaussian": _gaussian,
    "box": _box,
    "median": _median,
    "exponential": _exponential,
}
