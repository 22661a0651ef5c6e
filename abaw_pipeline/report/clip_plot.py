"""One clip's predictions over time, or as bars where a task has one label per clip.

Shape letters: n frames, C columns.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from abaw_pipeline.report.drawing import PREDICTED, RUNS, as_bytes, colour, drawn, limits, line, stretches
from abaw_pipeline.report.rows_plot import DECISIONS, draw_predicted
from abaw_pipeline.tasks import Kind, Task

_MEANT: dict[Kind, str] = {
    "values": "value",
    "class": "probability",
    "labels": "probability",
    "intensities": "intensity",
    "numbers": "value",
}
"""What a bar of a clip shows."""


def clip_plot(
    task: Task, times: np.ndarray, values: np.ndarray, face_valid: np.ndarray, audio_valid: np.ndarray
) -> bytes:
    """Predictions of one clip over time, and below them where there was a face and where sound, as PNG.

    Args:
        times: ``(n,)`` seconds.
        values: ``(n, C)``, or ``(1, C)`` where the task has one label per clip.
        face_valid, audio_valid: ``(n,)`` bool.
    """
    if task.level == "clip":
        return _bar_chart(task, values[0])
    rows = task.kind in ("class", "labels")
    height = 0.9 + 0.22 * len(task.columns) if rows else 2.9
    with drawn(10, height + 0.5) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(height, 0.5))
        if rows:
            _rows(figure, upper, task, _edges(times), values)
        else:
            _curves(upper, task, times, values)
        _presence(lower, _edges(times), face_valid, audio_valid)
        return as_bytes(figure, "png")


def _curves(axes: Axes, task: Task, times: np.ndarray, values: np.ndarray) -> None:
    for index, column in enumerate(task.columns):
        line(axes, times, values[:, index], colour(column, index), column)
    axes.set(ylim=limits(task))
    axes.legend(frameon=False, loc="upper right", ncols=len(task.columns))


def _rows(figure: Figure, axes: Axes, task: Task, edges: np.ndarray, values: np.ndarray) -> None:
    mesh = draw_predicted(axes, task, edges, values)
    bar = Patch(color=PREDICTED, label=DECISIONS[task.kind])
    axes.legend(handles=[bar], frameon=False, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    figure.colorbar(mesh, ax=axes, label="probability", pad=0.01, fraction=0.03)


def _presence(axes: Axes, edges: np.ndarray, face_valid: np.ndarray, audio_valid: np.ndarray) -> None:
    for height, present in enumerate((audio_valid, face_valid)):
        axes.broken_barh(stretches(edges, present), (height + 0.15, 0.7), color="#8c959f", linewidth=0)
    axes.set(yticks=(0.5, 1.5), yticklabels=("sound", "face"), ylim=(0, 2), xlabel="seconds")
    axes.grid(visible=False)


def _bar_chart(task: Task, values: np.ndarray) -> bytes:
    with drawn(7, 0.7 + 0.3 * len(task.columns)) as figure:
        axes = figure.subplots()
        axes.barh(task.columns, values, color=RUNS[0], height=0.6)
        axes.set(xlim=task.bounds, xlabel=_MEANT[task.kind])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        return as_bytes(figure, "png")


def _edges(times: np.ndarray) -> np.ndarray:
    """Where each frame begins, in seconds, and where the last one ends: a frame lasts until the next one."""
    return np.append(times, times[-1] + (np.median(np.diff(times)) if len(times) > 1 else 0.04))
