"""Classes and action units over time: a row for each, shaded by its probability.

Shape letters: n frames, C columns (classes or units).
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LinearSegmentedColormap

from abaw_pipeline.metrics import THRESHOLD
from abaw_pipeline.report.drawing import MOST_POINTS, PREDICTED, TRUTH, stretches
from abaw_pipeline.tasks import Task

_SHADES = LinearSegmentedColormap.from_list("probability", ["#ffffff", "#cfe1fb", "#5b97ee"])
_UNKNOWN = "#d9dee3"
_THICK = 0.24
"""Of a bar, in rows."""
DECISIONS = {"class": "most probable", "labels": f"probability at least {THRESHOLD}"}
"""What a predicted bar means, by the kind of task."""


def decided(task: Task, probabilities: np.ndarray) -> np.ndarray:
    """Which classes or units are predicted, bool ``(n, C)``: the most probable class, units from 0.5 on."""
    if task.kind == "labels":
        return probabilities >= THRESHOLD
    return np.asarray(probabilities.argmax(axis=1)[:, None] == np.arange(len(task.columns)))


def draw_predicted(axes: Axes, task: Task, edges: np.ndarray, probabilities: np.ndarray) -> QuadMesh:
    """Shade each row by its probability; a bar in its upper half where it is predicted.

    Args:
        edges: ``(n + 1,)``: where each frame begins, and where the last one ends.
        probabilities: ``(n, C)``.
    """
    starts = _starts(len(probabilities))
    counts = np.diff(np.append(starts, len(probabilities)))
    means = np.add.reduceat(probabilities.astype(np.float64), starts, axis=0) / counts[:, None]
    rows = np.arange(len(task.columns) + 1)
    shown = _edges(edges, starts)
    mesh = axes.pcolormesh(shown, rows, means.T, cmap=_SHADES, vmin=0, vmax=1, rasterized=True)
    _bars(axes, shown, decided(task, probabilities)[starts], 0.5 - 1.25 * _THICK, PREDICTED)
    axes.set_yticks(rows[:-1] + 0.5, [name.replace("_", " ") for name in task.columns])
    axes.set(ylim=(len(task.columns), 0), xlim=(edges[0], edges[-1]))
    axes.grid(visible=False)
    axes.hlines(rows[1:-1], edges[0], edges[-1], color=_UNKNOWN, linewidth=0.6)
    return mesh


def draw_truth(axes: Axes, task: Task, edges: np.ndarray, truth: np.ndarray) -> None:
    """Black bars in the lower half of the rows that are annotated as present, grey ones where nobody annotated.

    Args:
        truth: ``(n, W)``, NaN where not annotated.
    """
    starts = _starts(len(truth))
    rows, shown = truth[starts], _edges(edges, starts)
    present = rows == np.arange(len(task.columns)) if task.kind == "class" else rows == 1
    unknown = np.broadcast_to(np.isnan(rows), present.shape)
    for which, colour in ((unknown, _UNKNOWN), (present, TRUTH)):
        _bars(axes, shown, which, 0.5 + 0.25 * _THICK, colour)


def _starts(frames: int) -> np.ndarray:
    """The first frame of each step that is drawn; a step of a long clip is several frames."""
    return np.arange(0, frames, -(-frames // MOST_POINTS))


def _edges(edges: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.append(edges[starts], edges[-1])


def _bars(axes: Axes, edges: np.ndarray, present: np.ndarray, at: float, colour: str) -> None:
    for row, mine in enumerate(present.T):
        axes.broken_barh(stretches(edges, mine), (row + at, _THICK), color=colour, linewidth=0, rasterized=True)
