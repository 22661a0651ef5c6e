"""The challenge's metrics, each defined once.

Shape letters: n frames (or clips), C columns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.metrics import f1_score

THRESHOLD = 0.5
"""A unit is present where its probability is at least that."""


def ccc(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Concordance correlation coefficient (Lin, 1989) over all frames given, shape ``(n,)`` each.

    ``2 cov / (var_t + var_p + (mean_t - mean_p)^2)`` with population moments, in [-1, 1]; 0 where either is constant.

    Raises:
        ValueError: different lengths, no frames, or values that are not finite.
    """
    truth, prediction = _series(truth, prediction, "CCC")
    if _constant(truth) or _constant(prediction):
        return 0.0
    covariance = np.mean((truth - truth.mean()) * (prediction - prediction.mean()))
    scale = truth.var() + prediction.var() + (truth.mean() - prediction.mean()) ** 2
    return float(2 * covariance / scale)


def pearson(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Pearson's correlation over all clips given, shape ``(n,)`` each; in [-1, 1], 0 where either is constant.

    Raises:
        ValueError: as ``ccc``.
    """
    truth, prediction = _series(truth, prediction, "Pearson's correlation")
    if _constant(truth) or _constant(prediction):
        return 0.0
    return float(np.corrcoef(truth, prediction)[0, 1])


def f1(truth: np.ndarray, prediction: np.ndarray) -> float:
    """F1 of one unit, ``(n,)`` each: truth 0 or 1, and the probability that it is present.

    0 where it never is, and of no frames.

    Raises:
        ValueError: different lengths, or values that are not finite.
    """
    if not len(truth):
        return 0.0
    truth, prediction = _series(truth, prediction, "F1")
    return float(f1_score(truth == 1, prediction >= THRESHOLD, zero_division=0))


def macro_f1(truth: np.ndarray, prediction: np.ndarray, classes: int) -> tuple[float, list[float]]:
    """Unweighted mean over all classes of their F1, and the F1 of each; ``(n,)`` class numbers each.

    A class that nobody has counts, with 0.
    """
    each = f1_score(truth, prediction, labels=list(range(classes)), average=None, zero_division=0).tolist()
    return float(np.mean(each)), each


def mean_ccc(truth: np.ndarray, prediction: np.ndarray, marks: np.ndarray | None = None) -> tuple[float, list[float]]:
    """Mean CCC over columns of ``(n, C)`` arrays, and the CCC of each column over its values in ``marks``."""
    return _over_columns(ccc, truth, prediction, marks)


def mean_pearson(
    truth: np.ndarray, prediction: np.ndarray, marks: np.ndarray | None = None
) -> tuple[float, list[float]]:
    """Mean Pearson correlation over columns, as ``mean_ccc``."""
    return _over_columns(pearson, truth, prediction, marks)


def mean_f1(truth: np.ndarray, prediction: np.ndarray, marks: np.ndarray | None = None) -> tuple[float, list[float]]:
    """Mean F1 over units, as ``mean_ccc``; truth 0 or 1, and probabilities. A unit without a mark counts, with 0."""
    return _over_columns(f1, truth, prediction, marks)


def mtl_sum(va: float, expr: float, au: float) -> float:
    """Score of the multi-task challenge: mean CCC + macro F1 of expressions + mean F1 of action units."""
    return va + expr + au


def _over_columns(
    metric: Callable[[np.ndarray, np.ndarray], float],
    truth: np.ndarray,
    prediction: np.ndarray,
    marks: np.ndarray | None,
) -> tuple[float, list[float]]:
    kept = np.ones(truth.shape, bool) if marks is None else marks
    each = [metric(truth[rows, c], prediction[rows, c]) for c, rows in enumerate(kept.T)]
    return float(np.mean(each)), each


def _series(truth: np.ndarray, prediction: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray]:
    truth, prediction = np.asarray(truth, np.float64), np.asarray(prediction, np.float64)
    if truth.shape != prediction.shape or truth.ndim != 1 or not len(truth):
        raise ValueError(f"{what} needs two equally long series, not shapes {truth.shape} and {prediction.shape}")
    if not (np.isfinite(truth).all() and np.isfinite(prediction).all()):
        raise ValueError(f"{what} needs finite values")
    return truth, prediction


def _constant(series: np.ndarray) -> bool:
    """Whether all values are equal; their variance need not be exactly 0 then."""
    return bool((series == series[0]).all())
