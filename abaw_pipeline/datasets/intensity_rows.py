"""Rows of a table of emotional intensities, as Hume's data sets come: an id, perhaps a split, perhaps the intensities.

Columns are found by their names, whatever their case and punctuation (``Empathic-Pain``, ``Empathic Pain``).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from abaw_pipeline.datasets.labels import fits, short
from abaw_pipeline.datasets.samples import bare_id
from abaw_pipeline.runtime.text import text_lines
from abaw_pipeline.tasks import Task
from abaw_pipeline.types import Split

_IDS = ("fileid", "filename", "file", "id", "clip")
_SPLITS = ("split", "partition", "set")
"""What the columns of ids and of splits are called."""
_SPELT: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "devel"), "val"),
    "test": "test",
}


def padded(name: str) -> str:
    """A clip of Hume by its own name, of five digits: ``[123]``, ``123`` and ``00123`` all mean ``00123``."""
    bare = bare_id(name)
    return bare.zfill(5) if bare.isascii() and bare.isdecimal() else bare


@dataclass(frozen=True)
class Row:
    """What a row tells.

    Attributes:
        place: file and line. spelt: the id as it stands there. clip: the id; empty where there is none.
        values: ``(task.width,)`` float64, NaN where nobody annotated, and perhaps more than 1; ``None``: not told.
        fault: what is wrong with it; it then tells nothing else.
    """

    place: str
    spelt: str
    clip: str
    split: Split | None = None
    values: np.ndarray | None = None
    fault: str | None = None


def intensity_rows(path: Path, task: Task, split: Split | None) -> Iterator[Row]:
    """Every row that is not empty. What stands beside the id of a test clip is not looked at.

    Args:
        split: of its clips, where the table does not tell it itself.

    Raises:
        ValueError: no column of ids, some columns of intensities but not all, or neither splits nor intensities.
    """
    lines = csv.reader(text_lines(path))
    header = next(lines, [])
    columns = _columns(header, task, path, split)
    for cells in lines:
        if any(cell.strip() for cell in cells):
            cells = [*map(str.strip, cells)]
            yield _row(cells, columns, task, split, f"{path}: line {lines.line_num}", len(header))


@dataclass(frozen=True)
class _Columns:
    """Where the cells of a row stand; ``values`` in the order of the task's columns."""

    clip: int
    split: int | None
    values: tuple[int, ...] | None


def _columns(header: Sequence[str], task: Task, path: Path, split: Split | None) -> _Columns:
    names, wanted = [*map(_plain, header)], [*map(_plain, task.columns)]
    clip, told = (next((i for i, name in enumerate(names) if name in those), None) for those in (_IDS, _SPLITS))
    lacking = [column for column, name in zip(task.columns, wanted, strict=True) if name not in names]
    if clip is None:
        raise ValueError(f"{path}: line 1: no column of ids (File_ID or Filename) in '{short(','.join(header))}'")
    if 0 < len(lacking) < len(wanted):
        raise ValueError(f"{path}: line 1: no column {', '.join(lacking)}; all of the {len(wanted)} are needed")
    if lacking and told is None and split != "test":
        raise ValueError(f"{path}: line 1: neither a column of splits nor of intensities ({', '.join(task.columns)})")
    return _Columns(clip, told, None if lacking else tuple(names.index(name) for name in wanted))


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def _row(cells: list[str], columns: _Columns, task: Task, split: Split | None, place: str, count: int) -> Row:
    spelt = cells[columns.clip] if len(cells) > columns.clip else ""
    clip = padded(spelt)
    try:
        if len(cells) != count:
            raise ValueError(f"{len(cells)} cells for {count} columns")
        told = split if columns.split is None else _split(cells[columns.split])
        reads = columns.values is not None and told != "test"
        return Row(place, spelt, clip, told, _values([cells[i] for i in columns.values or ()], task) if reads else None)
    except ValueError as error:
        return Row(place, spelt, clip, fault=f"{place}: {error}")


def _split(cell: str) -> Split:
    if cell.lower() not in _SPELT:
        raise ValueError(f"no split '{short(cell)}'; it is one of Train, Val, Test")
    return _SPELT[cell.lower()]


def _values(cells: Sequence[str], task: Task) -> np.ndarray:
    try:
        values = np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        raise ValueError(f"'{short(','.join(cells))}' is not {len(cells)} numbers from 0 to 1") from None
    values[values == task.missing] = np.nan
    wrong = ~(fits(values, task) | np.isnan(values) | (values > 1)) | np.isinf(values)
    if wrong.any():
        raise ValueError(f"{task.columns[int(np.argmax(wrong))]} {values[wrong][0]:g} is no number from 0 to 1")
    return values
