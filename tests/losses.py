"""Losses built of settings as a user writes them, and labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from pydantic import TypeAdapter

from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.training.labelled import Labels
from abaw_pipeline.training.losses.extra import extra_outputs
from abaw_pipeline.training.losses.settings import LossSettings, check_loss
from abaw_pipeline.training.registry import build_loss
from tests.own_tasks import own_task

VA, EXPR, AU, ERI = (TASKS[name] for name in ("va", "expr", "au", "eri"))
OWN = own_task("own", "numbers", ("a", "b"))
# One of every loss, for each kind of task that it can train.
CASES: list[tuple[Mapping[str, Any], Task]] = [
    ({"name": "ccc"}, VA),
    ({"name": "ccc", "column_weights": [1.0, 3.0]}, VA),
    ({"name": "ccc"}, ERI),
    ({"name": "ccc"}, OWN),
    ({"name": "mse"}, VA),
    ({"name": "mse"}, OWN),
    ({"name": "mse", "column_weights": [1.0, 3.0]}, VA),
    ({"name": "cross_entropy"}, EXPR),
    ({"name": "cross_entropy", "class_weights": "balanced", "label_smoothing": 0.1}, EXPR),
    ({"name": "bce"}, AU),
    ({"name": "bce", "positive_weights": "balanced", "column_weights": [1 + c / 4 for c in range(12)]}, AU),
    ({"name": "focal"}, EXPR),
    ({"name": "focal", "alpha": 0.9, "gamma": 0.5, "label_smoothing": 0.1}, EXPR),
    ({"name": "focal"}, AU),
    ({"name": "focal", "alpha": None, "gamma": 0.5}, AU),
    ({"name": "mse_class", "ce": 0.5}, ERI),
    ({"name": "mse_class", "ce": 0.5, "several": True}, ERI),
]


def labels(values: ArrayLike, marks: ArrayLike | None = None) -> Labels:
    """Labels of a training fold; all count where no marks are given."""
    array = np.asarray(values, np.float32)
    return Labels(np.arange(len(array)), array, np.ones(array.shape, bool) if marks is None else np.asarray(marks))


def settings_of(raw: Mapping[str, Any] | str) -> LossSettings:
    settings: LossSettings = TypeAdapter(LossSettings).validate_python(raw)
    return settings


def loss(raw: Mapping[str, Any] | str, task: Task, fold: Labels | None = None) -> torch.nn.Module:
    """The loss in float64."""
    settings = settings_of(raw)
    check_loss(settings, task)
    return build_loss(settings, task, fold or labels(np.zeros((0, task.width)))).double()


def truth(task: Task, n: int, rng: np.random.Generator) -> np.ndarray:
    """Labels such as the task has, float64 ``(n, W)``; several highest intensities among those of clips."""
    if task.kind == "values":
        return rng.uniform(-1, 1, (n, task.width))
    if task.kind == "numbers":
        return rng.normal(5, 20, (n, task.width))
    if task.kind == "intensities":
        return rng.integers(0, 4, (n, task.width)) / 3
    return rng.integers(0, len(task.columns) if task.kind == "class" else 2, (n, task.width)).astype(float)


def scores(raw: Mapping[str, Any] | str, task: Task, n: int, rng: np.random.Generator) -> np.ndarray:
    """What a network might say, float64 ``(n, columns + extra)``."""
    return rng.normal(0, 0.7, (n, len(task.columns) + extra_outputs(settings_of(raw), task)))


def marks(task: Task, n: int, rng: np.random.Generator) -> np.ndarray:
    """Units are marked one by one, of the other kinds a row whole or not at all."""
    each = rng.random((n, task.width if task.kind == "labels" else 1)) < 0.6
    return np.broadcast_to(each, (n, task.width)).copy()
