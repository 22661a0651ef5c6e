"""What all plots of the report share: their style, colours and bytes. Nothing here needs a display."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from abaw_pipeline.tasks import Task

RUNS = ("#1f6feb", "#d1570a", "#1a7f4b", "#8250df", "#bf3989", "#57606a", "#9a6700", "#0598bc")
"""Of the runs in one plot, one after the other."""
TRUTH, PREDICTED = "#24292f", "#d1570a"
MOST_POINTS = 1500
"""More frames than that are not told apart in a plot."""
_COLUMNS = {"valence": "#1f6feb", "arousal": "#d1570a"}
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e8eb",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "svg.hashsalt": "abaw",  # equal data, equal bytes
    "svg.fonttype": "none",
}
_DOTS = {"svg": 200, "png": 110}
"""Per inch; in an SVG those of what is too fine to draw line by line."""


@contextmanager
def drawn(width: float, height: float) -> Iterator[Figure]:
    """An empty figure of this size in inches, in the style of the report."""
    with matplotlib.rc_context(_STYLE):
        yield Figure(figsize=(width, height), layout="constrained")


def as_bytes(figure: Figure, kind: str) -> bytes:
    """The figure as ``svg`` or ``png``; equal figures give equal bytes. To be called within ``drawn``."""
    buffer = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    figure.savefig(buffer, format=kind, dpi=_DOTS[kind], metadata=metadata)
    return buffer.getvalue()


def as_data(picture: bytes, kind: str) -> str:
    """A picture as the ``src`` of an ``img``, so that the page needs no other file."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def limits(task: Task) -> tuple[float, float] | None:
    """Of an axis of values: those of the task with a margin; ``None``: as the values lie."""
    return task.bounds and (task.bounds[0] - 0.05, task.bounds[1] + 0.05)


def colour(column: str, number: int) -> str:
    """Of a predicted column, the ``number``-th of its task."""
    return _COLUMNS.get(column, RUNS[number % len(RUNS)])


def line(axes: Axes, x: np.ndarray, y: np.ndarray, colour: str, label: str) -> None:
    """A curve; a long one is drawn by every k-th point."""
    step = max(1, len(x) // MOST_POINTS)
    axes.plot(x[::step], y[::step], color=colour, linewidth=1.3, label=label)


def stretches(edges: np.ndarray, present: np.ndarray) -> list[tuple[float, float]]:
    """Start and length of each run of frames that are true.

    Args:
        edges: ``(n + 1,)``: where each frame begins, and where the last one ends.
        present: ``(n,)`` bool.
    """
    turns = np.flatnonzero(np.diff(np.concatenate([[0], present.astype(np.int8), [0]])))
    pairs = zip(turns[::2], turns[1::2], strict=True)
    return [(float(edges[start]), float(edges[stop] - edges[start])) for start, stop in pairs]
