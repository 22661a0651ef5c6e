"""Annotation files and lists of clips, as the organisers write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from abaw_pipeline.datasets.names import clip_id
from abaw_pipeline.runtime.text import text_lines
from abaw_pipeline.tasks import Kind, Task


def read_label_file(path: Path, task: Task) -> np.ndarray:
    """One annotation file.

    Returns:
        ``(rows, task.width)`` float32; row ``i`` is frame number ``i + 1``. Marks of missing annotation are kept.

    Raises:
        ValueError: foreign header, no rows, or a row that is not what the task allows; names file and line.
    """
    lines = text_lines(path)
    found = lines[0].strip() if lines else ""
    if [part.strip() for part in found.split(",")] != task.header.split(","):
        raise ValueError(f"{path}: line 1: expected the header '{task.header}', found '{_short(found)}'")
    rows = lines[1:]
    if not rows:
        raise ValueError(f"{path}: line 2: no rows after the header")
    values = _numbers(rows, task.width)
    if values is None or not _allowed(values, task).all():
        line = _first_wrong(rows, task)
        raise ValueError(f"{path}: line {line + 2}: '{_short(rows[line])}' is not {_wanted(task)}")
    return values.astype(np.float32)


def read_clip_list(path: Path) -> list[str]:
    """Clip ids of a test list, one per line; a video suffix is taken off, empty lines do not count."""
    names = (line.strip() for line in text_lines(path))
    suffixes = (".mp4", ".avi", ".txt")
    return [clip_id(name[:-4] if name.lower().endswith(suffixes) else name) for name in names if name]


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
        if values is None or not _allowed(values, task).all():
            return i
    raise AssertionError("every row parses alone, but not all together")


def _allowed(values: np.ndarray, task: Task) -> np.ndarray:
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


def _wanted(task: Task) -> str:
    count = f"{task.width} comma-separated" if task.width > 1 else "one of the"
    return f"{count} {fitting(task)} (or {task.missing:g})"


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
