"""Plots of the report, drawn without a display, as bytes or as data for a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

COLOURS = {"valence": "#1f6feb", "arousal": "#d1570a"}
_RUNS = ("#1f6feb", "#d1570a", "#1a7f4b", "#8250df", "#bf3989", "#57606a", "#9a6700", "#0598bc")
_TRUTH = "#24292f"
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
_MOST_POINTS = 1500


def as_data(picture: bytes, kind: str) -> str:
    """A picture as the ``src`` of an ``img``, so that the page needs no other file."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def training_plot(histories: Mapping[str, Mapping[str, np.ndarray]], best: Mapping[str, int]) -> bytes:
    """Loss and mean validation CCC over epochs, one line per run, as SVG.

    Args:
        histories: columns ``epoch``, ``loss`` and ``mean`` by run (``official-0``).
        best: chosen epoch by run, marked with a dot.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(8.4, 2.5), layout="constrained")
        loss, ccc = figure.subplots(1, 2)
        for number, (name, columns) in enumerate(histories.items()):
            colour = _RUNS[number % len(_RUNS)]
            loss.plot(columns["epoch"], columns["loss"], color=colour, linewidth=1.5)
            ccc.plot(columns["epoch"], columns["mean"], color=colour, linewidth=1.5, label=name)
            chosen = columns["epoch"] == best[name]
            ccc.plot(columns["epoch"][chosen], columns["mean"][chosen], "o", color=colour, markersize=5)
        for axes, title in ((loss, "training loss"), (ccc, "mean CCC on validation (dot: chosen epoch)")):
            axes.set(title=title, xlabel="epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(histories) > 1:
            ccc.legend(fontsize=8, frameon=False, ncols=2 if len(histories) > 4 else 1)
        return _bytes(figure, "svg")


def comparison_plot(truth: np.ndarray, predicted: np.ndarray, columns: Sequence[str]) -> bytes:
    """Predicted (coloured) against annotated (black) values of one clip over frame numbers, as SVG.

    Args:
        truth: ``(r, C)``, NaN where not annotated.
        predicted: ``(n, C)``.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(8.4, 2.2), layout="constrained")
        for index, (axes, column) in enumerate(
            zip(np.atleast_1d(figure.subplots(1, len(columns))), columns, strict=True)
        ):
            _line(axes, np.arange(1, len(truth) + 1), truth[:, index], _TRUTH, "annotated")
            _line(axes, np.arange(1, len(predicted) + 1), predicted[:, index], _colour(column), "predicted")
            axes.set(title=column, xlabel="frame", ylim=(-1.05, 1.05))
        return _bytes(figure, "svg")


def clip_plot(
    times: np.ndarray, values: np.ndarray, columns: Sequence[str], face_valid: np.ndarray, audio_valid: np.ndarray
) -> bytes:
    """Predicted values of one clip over time, and below them where there was a face and where sound, as PNG.

    Args:
        times: ``(n,)`` seconds.
        values: ``(n, C)``.
        face_valid, audio_valid: ``(n,)`` bool.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(10, 3.4), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(6, 1))
        for index, column in enumerate(columns):
            _line(upper, times, values[:, index], _colour(column), column)
        upper.set(ylim=(-1.05, 1.05))
        upper.legend(frameon=False, loc="upper right", ncols=len(columns))
        for height, present in enumerate((audio_valid, face_valid)):
            lower.broken_barh(_stretches(times, present), (height + 0.15, 0.7), color="#8c959f", linewidth=0)
        lower.set(yticks=(0.5, 1.5), yticklabels=("sound", "face"), ylim=(0, 2), xlabel="seconds")
        lower.grid(visible=False)
        return _bytes(figure, "png")


def _stretches(times: np.ndarray, present: np.ndarray) -> list[tuple[float, float]]:
    """Start and length in seconds of each run of frames that are true; a frame lasts until the next one."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], present.astype(np.int8), [0]])))
    until = np.append(times[1:], times[-1] + (np.median(np.diff(times)) if len(times) > 1 else 0.04))
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [(float(times[start]), float(until[stop - 1] - times[start])) for start, stop in pairs]


def _colour(column: str) -> str:
    return COLOURS.get(column, _RUNS[2])


def _line(axes: Axes, x: np.ndarray, y: np.ndarray, colour: str, label: str) -> None:
    """A curve; a long one is drawn by every k-th point."""
    step = max(1, len(x) // _MOST_POINTS)
    axes.plot(x[::step], y[::step], color=colour, linewidth=1.3, label=label)


def _bytes(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    figure.savefig(buffer, format=kind, dpi=110, metadata=metadata)
    return buffer.getvalue()
