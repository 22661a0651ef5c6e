"""Predictions as the organisers write them: clipped and rounded numbers, classes and units by number."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from abaw_pipeline.metrics import THRESHOLD
from abaw_pipeline.tasks import Kind, Task
from abaw_pipeline.tracks import Track


def row_texts(track: Track, values: Mapping[str, np.ndarray], decimals: int) -> list[str]:
    """What stands in each row after its name.

    Args:
        values: predictions ``(n, columns)`` by task, without gaps.
        decimals: digits after the point of numbers.
    """
    parts = [_TEXTS[task.kind](values[task.name], task, decimals) for task in track.parts]
    return [",".join(row) for row in zip(*parts, strict=True)]


def in_words(track: Track, values: Mapping[str, np.ndarray], decimals: int) -> dict[str, str]:
    """How the predictions of each task became text, and how many numbers were clipped."""
    return {task.name: _words(task, values[task.name], decimals) for task in track.parts}


def _words(task: Task, values: np.ndarray, decimals: int) -> str:
    if task.kind == "class":
        return "the number of the most probable class, the first of equally probable ones"
    if task.kind == "labels":
        return f"1 from a probability of {THRESHOLD:g} on, else 0"
    low, high = task.bounds or (-np.inf, np.inf)
    outside = int(((values < low) | (values > high)).sum())
    return f"clipped to [{low:g}, {high:g}] ({outside} values were outside), rounded to {decimals} decimals"


def _numbers(values: np.ndarray, task: Task, decimals: int) -> list[str]:
    """Numbers with a fixed number of decimals; adding 0 turns -0 into 0."""
    low, high = task.bounds or (-np.inf, np.inf)
    rounded = np.round(np.clip(values, low, high), decimals) + 0.0
    return [",".join(f"{value:.{decimals}f}" for value in row) for row in rounded]


def _classes(probabilities: np.ndarray, _: Task, __: int) -> list[str]:
    return [str(number) for number in probabilities.argmax(axis=1)]


def _labels(probabilities: np.ndarray, _: Task, __: int) -> list[str]:
    return [",".join(map(str, row)) for row in (probabilities >= THRESHOLD).astype(int)]


_TEXTS: dict[Kind, Callable[[np.ndarray, Task, int], list[str]]] = {
    "values": _numbers,
    "intensities": _numbers,
    "class": _classes,
    "labels": _labels,
}
