"""One clip's feature as a heat map over time."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from abaw_pipeline.types import Clock, FrameTable

COLUMNS = 1000
"""Most steps of time that are drawn, fewer than the picture has pixels across, so that none is lost; where there are
more frames, a step shows their mean."""
ROWS = 700
"""Most dimensions that are drawn, evenly spaced; a picture has no more rows to show."""
LIMITS = (1, 99)
"""Percentiles of the valid values between which colours are spread: single outliers do not flatten the rest."""
MOVING = 0.2
"""Where less than this share of the variance is change over time, and the rest lies between dimensions, each dimension
is standardised: else the picture would be stripes."""
_ABSENT, _EMPTY, _INK = "#d0342c", "#e3e6ea", "#24292f"
_STYLE = {"font.size": 9, "font.family": "sans-serif", "axes.edgecolor": "#57606a"}


def heat_map(title: str, table: FrameTable, clock: Clock) -> bytes:
    """Values of all dimensions over seconds as PNG; frames that are not valid are grey, and red in the strip above.

    Dimensions of very different ranges are drawn as deviations from their own mean; the colour bar then says so.
    """
    grid = _grid(table, clock)
    with matplotlib.rc_context(_STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(11, 5), layout="constrained")
        strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=(1, 36))
        strip.set_title(title, loc="left", color=_INK)
        _draw(figure, axes, grid, clock)
        _mark(strip, grid, clock, int((~table.valid).sum()), len(table.valid))
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=130, metadata={"Software": None})
        return buffer.getvalue()


@dataclass(frozen=True)
class _Grid:
    """``values`` ``(d, c)`` float32 at even steps of time, ``absent`` ``(c,)``: a frame of the step is not valid."""

    values: np.ndarray
    absent: np.ndarray
    dimension: int
    standardised: bool
    limits: tuple[float, float]


def _grid(table: FrameTable, clock: Clock) -> _Grid:
    dimension = table.values.shape[1]
    drawn = np.unique(np.linspace(0, dimension - 1, min(dimension, ROWS)).round().astype(int))
    values = table.values[:, drawn].astype(np.float32)
    rows = values[table.valid]
    limits, standardised = _limits(rows), len(rows) > 1 and bool(rows.var(axis=0).mean() < MOVING * rows.var())
    if standardised:
        mean, deviation = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
        values = ((values - mean) / np.where(deviation > 0, deviation, 1)).astype(np.float32)
        limits = (-2.5, 2.5)
    first, last = _steps(clock)
    means = np.stack([_mean(values[a:b], table.valid[a:b]) for a, b in zip(first, last, strict=True)], axis=1)
    absent = np.array([not table.valid[a:b].all() for a, b in zip(first, last, strict=True)])
    return _Grid(means, absent, dimension, standardised, limits)


def _limits(values: np.ndarray) -> tuple[float, float]:
    if not values.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(values, LIMITS))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _steps(clock: Clock) -> tuple[np.ndarray, np.ndarray]:
    """First frame, and last + 1, that is on screen in each of the even steps of time."""
    end = clock.times[-1] + clock.period
    steps = min(COLUMNS, max(1, round((end - clock.times[0]) / max(clock.period, 1e-6))))
    edges = np.linspace(clock.times[0], end, steps + 1)
    slack = 1e-6 * clock.period  # sums of frame periods miss the edges by rounding
    first = np.searchsorted(clock.times, edges[:-1] + slack, side="right") - 1
    last = np.searchsorted(clock.times, edges[1:] - slack, side="left")
    return np.maximum(first, 0), np.maximum(last, first + 1)


def _mean(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    return values[valid].mean(axis=0) if valid.any() else np.full(values.shape[1], np.nan, np.float32)


def _draw(figure: Figure, axes: Axes, grid: _Grid, clock: Clock) -> None:
    colours = matplotlib.colormaps["RdBu_r" if grid.standardised else "viridis"].with_extremes(bad=_EMPTY)
    place: dict[str, Any] = {"extent": (*_span(clock), -0.5, grid.dimension - 0.5), "origin": "lower"}
    low, high = grid.limits
    image = axes.imshow(grid.values, cmap=colours, vmin=low, vmax=high, aspect="auto", interpolation="nearest", **place)
    axes.set(xlabel="seconds", ylabel="dimension")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    label = "standard deviations from each dimension's mean" if grid.standardised else "value"
    beyond = "both" if np.isfinite(grid.values).any() else "neither"
    figure.colorbar(image, ax=axes, label=label, extend=beyond, pad=0.015, fraction=0.04)


def _mark(strip: Axes, grid: _Grid, clock: Clock, absent: int, frames: int) -> None:
    """Above the map, the steps in which a frame is not valid: one alone would be lost in it."""
    colours = matplotlib.colors.ListedColormap([_EMPTY, _ABSENT])
    flags = grid.absent[None].astype(int)
    strip.imshow(
        flags, cmap=colours, vmin=0, vmax=1, aspect="auto", interpolation="nearest", extent=(*_span(clock), 0, 1)
    )
    strip.set_yticks([])
    strip.tick_params(bottom=False, labelbottom=False)
    strip.spines[:].set_visible(False)
    text = f"not valid: {absent} of {frames} frames" if absent else f"all {frames} frames are valid"
    strip.set_title(text, loc="right", color=_ABSENT if absent else _INK, fontsize=9)


def _span(clock: Clock) -> tuple[float, float]:
    """Where the picture begins and ends, in seconds."""
    return float(clock.times[0]), float(clock.times[-1] + clock.period)
