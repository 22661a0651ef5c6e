"""Annotation files and lists of clips, as the organisers write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from abaw_pipeline.datasets.names import clip_id
from abaw_pipeline.runtime.text import File, text_lines
from abaw_pipeline.tasks import Kind, Task

MOST_FRAMES = 10_000_000
"""Frames of a clip: 100 hours and more. A slip of the pen beyond it would take the memory of as many rows."""

Place = tuple[str, int]
"""A clip and a frame of it, from 1."""


def read_label_file(path: File, task: Task) -> np.ndarray:
    """One annotation file.

    Returns:
        ``(rows, task.width)`` float32; row ``i`` is frame number ``i + 1``. Marks of missing annotation are kept.

    Raises:
        ValueError: foreign header, no rows, or a row that is not what the task allows; names file and line.
    """
    lines = text_lines(path)
    found = lines[0].strip() if lines else ""
    if [part.strip() for part in found.split(",")] != task.header.split(","):
        raise ValueError(f"{path}: line 1: expected the header '{task.header}', found '{short(found)}'")
    rows = lines[1:]
    if not rows:
        raise ValueError(f"{path}: line 2: no rows after the header")
    values = _numbers(rows, task.width)
    if values is None or not allowed(values, task).all():
        line = _first_wrong(rows, task)
        raise ValueError(f"{path}: line {line + 2}: '{short(rows[line])}' is not {wanted(task)}")
    return values.astype(np.float32)


def read_clip_list(path: Path) -> list[str]:
    """Clip ids of a test list, one per line; a video suffix is taken off, empty lines do not count."""
    names = (line.strip() for line in text_lines(path))
    suffixes = (".mp4", ".avi", ".txt")
    return [clip_id(name[:-4] if name.lower().endswith(suffixes) else name) for name in names if name]


def dense(places: Sequence[Place], values: np.ndarray) -> dict[str, np.ndarray]:
    """Rows ``(n, W)`` at their places, which differ: float32 ``(frames, W)`` by clip, NaN in frames without a row."""
    frames = np.array([frame for _, frame in places])
    rows: dict[str, list[int]] = {}
    for row, (clip, _) in enumerate(places):
        rows.setdefault(clip, []).append(row)
    found = {}
    for clip, own in rows.items():
        found[clip] = np.full((frames[own].max(), values.shape[1]), np.nan, np.float32)
        found[clip][frames[own] - 1] = values[own]
    return found


def _numbers(rows: list[str], width: int) -> np.ndarray | None:
    """All rows at once, float64; ``None`` where one of them does not parse (an empty row would be skipped)."""
    if not all(row.strip() for row in rows):
        return None
    try:
        values = np.loadtxt(rows, delimiter=",", dtype=np.float64, ndmin=2, comments=None)
    except ValueError:
        return None
    return values if values.shape == (len(rows), width) else None


def _first_wrong(rows: list[str], task: Task) -> int:
    """Index of the first row that does not parse or is not allowed."""
    for i, row in enumerate(rows):
        values = _numbers([row], task.width)
        if values is None or not allowed(values, task).all():
            return i
    raise AssertionError("every row parses alone, but not all together")


def allowed(values: np.ndarray, task: Task) -> np.ndarray:
    """Which rows of ``(n, width)`` hold only values of the task or its missing mark; bool ``(n,)``."""
    return np.all(fits(values, task) | (values == task.missing), axis=1)


def fits(values: np.ndarray, task: Task) -> np.ndarray:
    """Which values a label of the task may have; bool, same shape."""
    if task.kind == "numbers":
        return np.abs(values) <= np.finfo(np.float32).max
    low = -1 if task.kind == "values" else 0
    high = len(task.columns) - 1 if task.kind == "class" else 1
    whole = task.kind in ("class", "labels")
    return (values >= low) & (values <= high) & ((values == np.floor(values)) | (not whole))


def fitting(task: Task) -> str:
    """What labels of the task are, in words."""
    kinds: dict[Kind, str] = {
        "values": "numbers from -1 to 1",
        "class": f"whole numbers from 0 to {len(task.columns) - 1}",
        "labels": "zeros and ones",
        "intensities": "numbers from 0 to 1",
        "numbers": "numbers",
    }
    return kinds[task.kind]


def wanted(task: Task) -> str:
    """What a row of an annotation file is, in words."""
    count = f"{task.width} comma-separated" if task.width > 1 else "one of the"
    return f"{count} {fitting(task)} (or {task.missing:g})"


def short(text: str) -> str:
    """A line for a message."""
    return text if len(text) <= 80 else text[:77] + "..."
