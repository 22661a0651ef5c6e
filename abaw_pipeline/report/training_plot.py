"""Training curves of one experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from abaw_pipeline.report.drawing import RUNS, as_bytes, drawn
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.card import SnapshotNote
from abaw_pipeline.training.scores import AVERAGED


@dataclass(frozen=True)
class Run:
    """One training: columns of its ``history.csv``, one value per epoch, and the epochs whose weights predict."""

    history: Mapping[str, np.ndarray]
    snapshots: Sequence[SnapshotNote]

    def used(self, task: str | None) -> np.ndarray:
        """Which epochs of the history predict ``task`` (``None``: any task), bool."""
        epochs = [one.epoch for one in self.snapshots if not (task and one.columns) or task in one.columns]
        return np.isin(self.history["epoch"], epochs)


@dataclass(frozen=True)
class _Row:
    """A row of the plot: its task (``None``: all of them), its columns of the history, and what the score is called."""

    task: str | None
    loss: str
    score: str
    measure: str
    title: str = ""


def training_plot(runs: Mapping[str, Run], tasks: Sequence[str]) -> bytes:
    """Loss and validation score over epochs, one line per run, as SVG.

    Several tasks have a row each, below that of their sum. Without held-out clips there are no scores.

    Args:
        runs: by name (``official-0``).
    """
    rows = _rows(tasks)
    scored = any(row.score in run.history for row in rows for run in runs.values())
    with drawn(8.4, 2.5 if len(rows) == 1 else 1.9 * len(rows)) as figure:
        panels = figure.subplots(len(rows), 1 + scored, squeeze=False, sharex=True)
        for row, axes in zip(rows, panels, strict=True):
            _draw(axes[0], runs, row.loss)
            axes[0].set(title=f"{row.title}training loss")
            if scored:
                _draw(axes[1], runs, row.score)
                _mark(axes[1], runs, row)
                axes[1].set(title=f"{row.title}{row.measure} on validation")
        for axes in panels[-1]:
            axes.set(xlabel="epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(runs) > 1:
            panels[0, -1].legend(fontsize=8, frameon=False, ncols=2 if len(runs) > 4 else 1)
        return as_bytes(figure, "svg")


def _rows(tasks: Sequence[str]) -> list[_Row]:
    """Columns by the names that ``training.history.Epoch.flat`` gives them."""
    if len(tasks) == 1:
        return [_Row(tasks[0], "loss", "mean", _measure(tasks[0]))]
    each = [_Row(task, f"{task}_loss", f"{task}_mean", _measure(task), f"{task.upper()}: ") for task in tasks]
    return [_Row(None, "loss", "score", "sum of the scores", "all tasks: "), *each]


def _measure(task: str) -> str:
    return AVERAGED[TASKS[task].kind]


def _draw(axes: Axes, runs: Mapping[str, Run], column: str) -> None:
    for number, (name, run) in enumerate(runs.items()):
        axes.plot(run.history["epoch"], run.history[column], color=_colour(number), linewidth=1.5, label=name)


def _mark(axes: Axes, runs: Mapping[str, Run], row: _Row) -> None:
    """Dots at the epochs whose weights predict."""
    for number, run in enumerate(runs.values()):
        used = run.used(row.task)
        axes.plot(run.history["epoch"][used], run.history[row.score][used], "o", color=_colour(number), markersize=5)


def _colour(number: int) -> str:
    return RUNS[number % len(RUNS)]
