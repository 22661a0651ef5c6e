"""From what members predicted for one clip to what their ensemble says, by a choice that was made before.

Shape letters: M members, U of what is fused (models, or members), n frames, C columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from abaw_pipeline.ensembles.combine import median, vote, weighted_mean
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.ensembles.smooth import smooth
from abaw_pipeline.ensembles.thresholds import centred
from abaw_pipeline.metrics import THRESHOLD
from abaw_pipeline.tasks import Task


@dataclass(frozen=True)
class Choice:
    """Everything that settings give or leave to be chosen.

    Attributes:
        weights: ``(M, C)``, 0 for members that a column does not take.
        sizes: ``(C,)`` of smoothing. thresholds: ``(C,)``.
    """

    members: tuple[str, ...]
    weights: np.ndarray
    sizes: np.ndarray
    thresholds: np.ndarray

    def said(self, task: Task) -> dict[str, Any]:
        """As it is written down: by column."""
        return {
            column: {
                "weights": {m: float(w) for m, w in zip(self.members, self.weights[:, i], strict=True) if w > 0},
                "size": float(self.sizes[i]),
                "threshold": float(self.thresholds[i]),
            }
            for i, column in enumerate(task.columns)
        }

    @classmethod
    def read(cls, said: Mapping[str, Any], members: Sequence[str], task: Task) -> Choice:
        """What ``said`` wrote down."""
        columns = [said[column] for column in task.columns]
        weights = np.array([[column["weights"].get(name, 0.0) for column in columns] for name in members])
        sizes, thresholds = ([column[key] for column in columns] for key in ("size", "threshold"))
        return cls(tuple(members), weights, np.array(sizes), np.array(thresholds))


def given(task: Task, settings: EnsembleSettings, members: Mapping[str, Sequence[str]]) -> Choice:
    """What the settings say, before anything is searched.

    Args:
        members: by column the members that it takes, wildcards written out.
    """
    names = tuple(dict.fromkeys(name for several in members.values() for name in several))
    weights = np.array([[_weight(name, members[c], settings) for c in task.columns] for name in names])
    size = settings.smooth.size if settings.smooth else 0.0
    sizes = [size.get(c, 0.0) if isinstance(size, dict) else size or 0.0 for c in task.columns]
    known = settings.thresholds if isinstance(settings.thresholds, dict) else {}
    return Choice(names, weights, np.array(sizes), np.array([known.get(c, THRESHOLD) for c in task.columns]))


def _weight(name: str, taken: Sequence[str], settings: EnsembleSettings) -> float:
    return 0.0 if name not in taken else (settings.weights or {}).get(name, 1.0)


def apply(
    predictions: np.ndarray, owners: np.ndarray, choice: Choice, settings: EnsembleSettings, task: Task
) -> np.ndarray:
    """What an ensemble says of one clip: fused, smoothed, thresholds at 0.5, within the bounds of the task.

    Args:
        predictions: ``(U, n, C)``.
        owners: ``(U,)`` whose they are, as places among the members.

    Returns:
        ``(n, C)`` float32.

    Raises:
        ValueError: no member of a column is left.
    """
    values = pointed(smoothed(fused(predictions, owners, choice, settings, task), choice, settings), choice)
    return (values if task.bounds is None else np.clip(values, *task.bounds)).astype(np.float32)


def fused(
    predictions: np.ndarray, owners: np.ndarray, choice: Choice, settings: EnsembleSettings, task: Task
) -> np.ndarray:
    """``(n, C)`` of one clip, before anything else is done; as ``apply``."""
    weights = choice.weights[owners]
    if settings.method not in ("median", "vote"):
        return weighted_mean(predictions, weights)
    taken = weights > 0
    if not taken.any(axis=0).all():
        raise ValueError("no member that predicted it has a weight")
    if task.kind == "class":
        return _by_method(predictions[taken.any(axis=1)], settings, task)
    columns = [_by_method(predictions[taken[:, c]][:, :, [c]], settings, task) for c in range(predictions.shape[2])]
    return np.concatenate(columns, axis=1)


def _by_method(predictions: np.ndarray, settings: EnsembleSettings, task: Task) -> np.ndarray:
    return median(predictions) if settings.method == "median" else vote(predictions, task.kind, settings.at_least)


def smoothed(values: np.ndarray, choice: Choice, settings: EnsembleSettings) -> np.ndarray:
    """One clip's ``(n, C)``, smoothed by the chosen sizes."""
    return smooth(values, settings.smooth.name, choice.sizes) if settings.smooth else values


def pointed(values: np.ndarray, choice: Choice) -> np.ndarray:
    """Probabilities of units bent so that the chosen thresholds come to 0.5."""
    return values if (choice.thresholds == THRESHOLD).all() else centred(values, choice.thresholds)
