"""Fusion of several members' predictions for one clip, each method once.

Shape letters: M members, n frames, C columns.
"""

from __future__ import annotations

import numpy as np

from abaw_pipeline.metrics import THRESHOLD
from abaw_pipeline.tasks import Kind


def weighted_mean(predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean of ``(M, n, C)`` by weights ``(M, C)`` that are not negative, ``(n, C)``.

    Raises:
        ValueError: a column of which no member has a weight.
    """
    total = weights.sum(axis=0)
    if not (total > 0).all():
        raise ValueError("no member that predicted it has a weight")
    return np.einsum("mnc,mc->nc", predictions, weights / total)


def median(predictions: np.ndarray) -> np.ndarray:
    """Median over members, ``(M, n, C)`` to ``(n, C)``; medians of probabilities of classes need not sum to 1."""
    return np.median(predictions, axis=0)


def vote(predictions: np.ndarray, kind: Kind, at_least: int | None = None) -> np.ndarray:
    """Hard votes of ``(M, n, C)`` probabilities as ``(n, C)`` again: what has the votes is above what has not.

    Of classes each member votes for its most probable one; the share of votes counts, and of equal shares the larger
    mean probability. A unit is present (0.5 and more) where at least ``at_least`` members say so; without a number,
    where more than half do, and where half do, by the mean probability.

    Raises:
        ValueError: a kind of task that is not decided.
    """
    members, mean = len(predictions), predictions.mean(axis=0)
    if kind == "class":
        votes = np.eye(predictions.shape[2])[predictions.argmax(axis=2)].sum(axis=0)
        return (votes + _ALMOST * mean) / (members + _ALMOST)
    if kind != "labels":
        raise ValueError("only classes and units are voted on; take the mean of values")
    votes = (predictions >= THRESHOLD).sum(axis=0)
    if at_least is None:
        return np.where(2 * votes == members, mean, votes / members)
    enough = THRESHOLD + (1 - THRESHOLD) * (votes - at_least) / max(members - at_least, 1)
    return np.where(votes >= at_least, enough, THRESHOLD * votes / at_least)


_ALMOST = 0.999
"""Mean probabilities differ by at most 1: times this they part equal votes and never outdo one."""
