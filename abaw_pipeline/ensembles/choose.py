"""What an ensemble chooses on out-of-fold predictions: weights or subsets of members, sizes of smoothing, thresholds.

Shape letters: M members, U of what is fused, n frames of a clip, N of all clips one after another, C columns, R label
rows, W label width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from abaw_pipeline.ensembles.apply import Choice, fused, pointed, smoothed
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.ensembles.thresholds import centred
from abaw_pipeline.tasks import Task
from abaw_pipeline.training.scores import score

FACTORS = (0.0, 0.25, 0.5, 2.0, 4.0)
"""What a weight is tried to be multiplied by."""
PASSES = 4
"""Most passes over all members."""
THRESHOLDS = np.arange(1, 20) / 20


@dataclass(frozen=True)
class OutOfFold:
    """What members predicted for labelled clips that none of the models had seen.

    Attributes:
        predictions: ``(U, n, C)`` of each clip; where members are weighed U is M, the same for all.
        owners: ``(U,)`` of each clip, as in ``apply``.
        rows: int64 ``(R,)`` frame of each annotated label row.
        truth, marks: ``(R, W)``.
    """

    predictions: list[np.ndarray]
    owners: list[np.ndarray]
    rows: np.ndarray
    truth: np.ndarray
    marks: np.ndarray

    @cached_property
    def of_rows(self) -> np.ndarray:
        """Predictions of the label rows by members that are weighed, ``(M, R, C)``."""
        return np.concatenate(self.predictions, axis=1)[:, self.rows]

    def split(self, values: np.ndarray) -> list[np.ndarray]:
        """``(N, C)`` clip by clip."""
        return np.split(values, np.cumsum([part.shape[1] for part in self.predictions])[:-1])


@dataclass
class _Search:
    """One choice in the making; ``scores`` is told step by step."""

    task: Task
    settings: EnsembleSettings
    data: OutOfFold
    choice: Choice
    scores: dict[str, float] = field(default_factory=dict)

    def groups(self, by: str) -> list[list[int]]:
        """Columns that are chosen for together."""
        columns = list(range(len(self.task.columns)))
        return [columns] if self.task.kind == "class" or by == "task" else [[column] for column in columns]

    def value(self, predicted: np.ndarray, columns: Sequence[int]) -> float:
        """The score of ``(R, c)`` predictions of c columns (of classes: all)."""
        width = slice(None) if self.task.kind == "class" else list(columns)
        return score(self.task, self.data.truth[:, width], predicted, self.data.marks[:, width])[0]

    def whole(self, predicted: np.ndarray) -> float:
        """The score of ``(N, C)`` predictions."""
        return self.value(predicted[self.data.rows], range(len(self.task.columns)))


def choose(task: Task, settings: EnsembleSettings, data: OutOfFold, start: Choice) -> tuple[Choice, dict[str, float]]:
    """Fill in what ``settings`` leave to be searched, step by step: members, then smoothing, then thresholds.

    Args:
        start: what the settings give; weights are 1 for members of a column and 0 for others.

    Returns:
        The choice, and the out-of-fold score after each step that was searched.
    """
    search = _Search(task, settings, data, start)
    if settings.method == "greedy":
        _greedy(search)
    elif settings.method == "weighted" and settings.weights is None:
        _weights(search)
    parts = zip(data.predictions, data.owners, strict=True)
    combined = np.concatenate([fused(part, owners, search.choice, settings, task) for part, owners in parts])
    search.scores["members"] = search.whole(combined)
    if settings.smooth and settings.smooth.size is None:
        _sizes(search, combined)
        search.scores["smoothed"] = search.whole(_smooth(search, combined))
    if settings.thresholds == "search":
        _thresholds(search, _smooth(search, combined))
        search.scores["thresholds"] = search.whole(pointed(_smooth(search, combined), search.choice))
    return search.choice, search.scores


def _greedy(search: _Search) -> None:
    """Forward selection with repetition: a member's weight is how often it was added."""
    for columns in search.groups(search.settings.by):
        allowed, score_of = np.flatnonzero(search.choice.weights[:, columns].max(axis=1)), _scorer(search, columns)
        counts, best = np.zeros(len(search.choice.weights)), -np.inf
        for _ in range(search.settings.rounds):
            tried = [counts + np.eye(len(counts))[member] for member in allowed]
            found = [score_of(weights) for weights in tried]
            top = int(np.argmax(found))
            if found[top] <= best:
                break
            counts, best = tried[top], found[top]
        search.choice.weights[:, columns] = counts[:, None]


def _weights(search: _Search) -> None:
    """One weight after another is changed by a factor, as long as that helps."""
    for columns in search.groups(search.settings.by):
        weights, score_of = search.choice.weights[:, columns].max(axis=1), _scorer(search, columns)
        best = score_of(weights)
        for _ in range(PASSES):
            before = best
            for member in np.flatnonzero(weights):
                for factor in FACTORS:
                    tried = weights * np.where(np.arange(len(weights)) == member, factor, 1.0)
                    found = score_of(tried) if tried.any() else -np.inf
                    if found > best:
                        weights, best = tried, found
            if best == before:
                break
        search.choice.weights[:, columns] = (weights / weights.sum())[:, None]


def _scorer(search: _Search, columns: Sequence[int]) -> Callable[[np.ndarray], float]:
    """The score of the mean by weights ``(M,)`` over some columns, which are taken out of all predictions once."""
    predictions = search.data.of_rows[:, :, columns]

    def score_of(weights: np.ndarray) -> float:
        return search.value(np.einsum("mrc,m->rc", predictions, weights / weights.sum()), columns)

    return score_of


def _sizes(search: _Search, combined: np.ndarray) -> None:
    assert search.settings.smooth is not None
    groups, sizes, found = search.groups("column"), sorted(search.settings.smooth.search), []
    for size in sizes:
        search.choice.sizes[:] = size
        predicted = _smooth(search, combined)[search.data.rows]
        found.append([search.value(predicted[:, columns], columns) for columns in groups])
    for columns, best in zip(groups, np.argmax(found, axis=0), strict=True):
        search.choice.sizes[columns] = sizes[best]


def _thresholds(search: _Search, predicted: np.ndarray) -> None:
    nearest_half = sorted(THRESHOLDS, key=lambda threshold: abs(threshold - 0.5))
    for column, probabilities in enumerate(predicted[search.data.rows].T):

        def value(threshold: float, column: int = column, probabilities: np.ndarray = probabilities) -> float:
            return search.value(centred(probabilities[:, None], np.array([threshold])), [column])

        search.choice.thresholds[column] = _best(nearest_half, value)


def _best(candidates: Sequence[float], value: Callable[[float], float]) -> float:
    """The candidate with the best value, the first of equally good ones."""
    return candidates[int(np.argmax([value(candidate) for candidate in candidates]))]


def _smooth(search: _Search, values: np.ndarray) -> np.ndarray:
    parts = search.data.split(values)
    return np.concatenate([smoothed(part, search.choice, search.settings) for part in parts], axis=0)
