"""Clips whose predicted curves the report shows beside their annotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from abaw_pipeline.report.rows_plot import decided
from abaw_pipeline.report.truth import Read, against
from abaw_pipeline.tasks import TASKS, Kind, Task
from abaw_pipeline.training.scores import AVERAGED, score

LIKENESS: dict[Kind, str] = {**AVERAGED, "class": "share of frames right", "labels": "share of units right"}
"""What single clips are compared by. F1 would tell how many classes or units a clip shows at all: those that it never
shows count 0."""


@dataclass(frozen=True)
class Comparison:
    """One clip: ``truth`` ``(r, W)`` with NaN where not annotated, ``predicted`` ``(n, C)``, and its ``LIKENESS``."""

    clip: str
    rank: str
    score: float
    truth: np.ndarray
    predicted: np.ndarray


def typical(truth: Mapping[str, np.ndarray], read: Read, task: str) -> list[Comparison]:
    """The best, the median and the worst clip by ``LIKENESS`` (fewer where there are fewer than three)."""
    scored = sorted((_compare(clip, rows, read, task) for clip, rows in truth.items()), key=_by_score)
    known = [one for one in scored if one is not None]
    last = len(known) - 1
    places = {0: "worst", len(known) // 2: "median", last: "best" if last else "the only one"} if known else {}
    return [
        Comparison(known[i].clip, rank, known[i].score, known[i].truth, known[i].predicted)
        for i, rank in sorted(places.items(), reverse=True)
    ]


def _by_score(one: Comparison | None) -> tuple[float, str]:
    return (one.score, one.clip) if one else (0.0, "")


def _compare(clip: str, rows: np.ndarray, read: Read, task: str) -> Comparison | None:
    """``None`` without a prediction or without two annotated frames to compare."""
    predicted, known = read(clip), TASKS[task]
    wanted, given, marks = against(rows, predicted, task)
    if predicted is None or len(wanted) < 2:
        return None
    shown = np.where(known.marks(rows), rows.astype(np.float64), np.nan)
    return Comparison(clip, "", _likeness(known, wanted, given, marks), shown, predicted)


def _likeness(task: Task, truth: np.ndarray, predicted: np.ndarray, marks: np.ndarray) -> float:
    """Arguments as ``scores.score``; in [-1, 1], or [0, 1] where it is a share."""
    if task.kind == "class":
        return float(np.mean(predicted.argmax(axis=1) == truth[:, 0]))
    if task.kind == "labels":
        return float(np.mean((decided(task, predicted) == (truth == 1))[marks]))
    return score(task, truth, predicted, marks)[0]
