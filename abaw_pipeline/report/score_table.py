"""How scores are laid out in tables: which columns a task has, and what its score is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from abaw_pipeline.metrics import THRESHOLD
from abaw_pipeline.tasks import TASKS, Kind, Task
from abaw_pipeline.training.scores import AVERAGED, MEASURES

FEW = 2
"""Tasks with at most this many columns show each of them; of others the page shows the mean, the rest on request."""
_MEANT: dict[Kind, str] = {
    "values": "concordance correlation coefficient, −1 to 1",
    "class": "the unweighted mean over the classes, 0 to 1; one that nobody has counts 0",
    "labels": f"the unweighted mean over the units, 0 to 1; one is predicted from a probability of {THRESHOLD} on",
    "intensities": "−1 to 1",
    "numbers": "concordance correlation coefficient, −1 to 1",
}


@dataclass(frozen=True)
class TaskScores:
    """The score columns of a task.

    Attributes:
        name: of the task.
        measure: of a column (``F1``).
        averaged: of the task (``macro F1``).
        shown: columns that stand in the open beside the mean; none of many.
        hidden: all columns, where there are many.
        clips: the task has one label per clip.
    """

    name: str
    measure: str
    averaged: str
    shown: tuple[str, ...]
    hidden: tuple[str, ...]
    clips: bool

    def listed(self, scores: Mapping[str, float]) -> str:
        """``Neutral 0.512, Anger 0.103``: what stands hidden behind the mean."""
        return ", ".join(f"{column} {number(scores[column])}" for column in self.hidden)


def task_scores(names: Iterable[str]) -> dict[str, TaskScores]:
    """Score columns of the tasks named, in the order of ``TASKS``."""
    wanted = set(names)
    return {name: _columns(task) for name, task in TASKS.items() if name in wanted}


def meanings(names: Iterable[str]) -> list[str]:
    """What the scores of the tasks named are, one line for each measure: ``VA: mean CCC (...)``."""
    found: dict[Kind, list[str]] = {}
    for name, task in TASKS.items():
        if name in set(names):
            found.setdefault(task.kind, []).append(name.upper())
    return [f"{', '.join(tasks)}: {AVERAGED[kind]} ({_MEANT[kind]})" for kind, tasks in found.items()]


def number(value: float | None, decimals: int = 3) -> str:
    """A score with a true minus sign."""
    return "–" if value is None else f"{value:.{decimals}f}".replace("-", "−")


def _columns(task: Task) -> TaskScores:
    shown, hidden = (task.columns, ()) if len(task.columns) <= FEW else ((), task.columns)
    return TaskScores(task.name, MEASURES[task.kind], AVERAGED[task.kind], shown, hidden, task.level == "clip")
