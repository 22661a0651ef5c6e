"""One clip's predictions beside its annotations.

Shape letters: r label rows, n frames, W label width, C columns.
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from abaw_pipeline.report.drawing import TRUTH, as_bytes, colour, drawn, limits, line
from abaw_pipeline.report.rows_plot import draw_predicted, draw_truth
from abaw_pipeline.tasks import Task


def comparison_plot(task: Task, truth: np.ndarray, predicted: np.ndarray) -> bytes:
    """Predicted (coloured) and annotated (black) over frame numbers, as SVG.

    Values are curves, side by side; classes and units are rows below one another (``rows_plot``).

    Args:
        truth: ``(r, W)``, NaN where not annotated.
        predicted: ``(n, C)``.
    """
    rows = task.kind in ("class", "labels")
    with drawn(8.4, 0.6 + 0.22 * len(task.columns) if rows else 2.2) as figure:
        (_rows if rows else _curves)(figure, task, truth, predicted)
        return as_bytes(figure, "svg")


def _rows(figure: Figure, task: Task, truth: np.ndarray, predicted: np.ndarray) -> None:
    axes = figure.subplots()
    draw_predicted(axes, task, np.arange(len(predicted) + 1) + 0.5, predicted)
    draw_truth(axes, task, np.arange(len(truth) + 1) + 0.5, truth)
    axes.set(xlabel="frame", xlim=(0.5, max(len(truth), len(predicted)) + 0.5))


def _curves(figure: Figure, task: Task, truth: np.ndarray, predicted: np.ndarray) -> None:
    panels = np.atleast_1d(figure.subplots(1, len(task.columns)))
    for index, (axes, column) in enumerate(zip(panels, task.columns, strict=True)):
        line(axes, np.arange(1, len(truth) + 1), truth[:, index], TRUTH, "annotated")
        line(axes, np.arange(1, len(predicted) + 1), predicted[:, index], colour(column, index), "predicted")
        axes.set(title=column, xlabel="frame", ylim=limits(task))
