"""Which epochs predict, and when a training stops: rules on its history alone. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from abaw_pipeline.tasks import Task
from abaw_pipeline.training.history import Epoch
from abaw_pipeline.training.optimisation.settings import EpochRange, SelectSettings

Columns = dict[str, list[int]]
"""By task the numbers of the columns that an epoch predicts."""


def chosen(select: SelectSettings, history: Sequence[Epoch], tasks: Sequence[Task]) -> dict[int, Columns | None]:
    """The epochs that predict, were ``history`` all there is, and the columns of each; ``None``: all of them.

    Where several epochs predict a column, its prediction is their mean. Of equally good epochs the first is taken.
    """
    if isinstance(select, EpochRange):
        return {one.epoch: None for one in history if select.first <= one.epoch <= select.last}
    if select.name == "last":
        return {history[-1].epoch: None}
    if select.name == "best":
        return {best(history).epoch: None}
    found: dict[int, Columns | None] = {}
    for task, name, columns in _parts(tasks):
        epoch = max(history, key=lambda one: one.scores[task][name]).epoch
        of_epoch = found.setdefault(epoch, {})
        assert of_epoch is not None, "every epoch here has columns"
        of_epoch.setdefault(task, []).extend(columns)
    return found


def best(history: Sequence[Epoch]) -> Epoch:
    """The first epoch with the highest validation score."""
    return max(history, key=_score)


def stops(patience: int | None, history: Sequence[Epoch]) -> bool:
    """Whether ``patience`` epochs have passed since the best one; ``None``: never."""
    return patience is not None and bool(history) and history[-1].epoch - best(history).epoch >= patience


def _score(one: Epoch) -> float:
    assert one.score is not None, "the settings ask for no score where no clips are held out"
    return one.score


def _parts(tasks: Sequence[Task]) -> Iterator[tuple[str, str, list[int]]]:
    """What an epoch may be best at: task, the name of the score, and the columns that it decides.

    A value is chosen by itself; classes and labels only together, since their decisions hang together.
    """
    for task in tasks:
        if task.kind in ("class", "labels"):
            yield task.name, "mean", list(range(len(task.columns)))
        else:
            yield from ((task.name, column, [number]) for number, column in enumerate(task.columns))
