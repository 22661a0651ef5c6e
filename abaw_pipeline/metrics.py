"""The challenge's metrics, each defined once."""

from __future__ import annotations

import numpy as np


def ccc(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Concordance correlation coefficient (Lin, 1989) over all frames given, shape ``(n,)`` each.

    ``2 cov / (var_t + var_p + (mean_t - mean_p)^2)`` with population moments, in [-1, 1]; 0 where both are
    constant and equal (0 / 0), as where either is constant.

    Raises:
        ValueError: different lengths, no frames, or values that are not finite.
    """
    truth, prediction = np.asarray(truth, np.float64), np.asarray(prediction, np.float64)
    if truth.shape != prediction.shape or truth.ndim != 1 or not len(truth):
        raise ValueError(f"CCC needs two equally long series, not shapes {truth.shape} and {prediction.shape}")
    if not (np.isfinite(truth).all() and np.isfinite(prediction).all()):
        raise ValueError("CCC needs finite values")
    covariance = np.mean((truth - truth.mean()) * (prediction - prediction.mean()))
    scale = truth.var() + prediction.var() + (truth.mean() - prediction.mean()) ** 2
    return float(2 * covariance / scale) if scale > 0 else 0.0


def mean_ccc(truth: np.ndarray, prediction: np.ndarray) -> tuple[float, list[float]]:
    """Mean CCC over columns of ``(n, C)`` arrays, and the CCC of each column."""
    each = [ccc(truth[:, c], prediction[:, c]) for c in range(truth.shape[1])]
    return float(np.mean(each)), each
