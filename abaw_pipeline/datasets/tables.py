"""Labels in tables that a user brings: a CSV per task, a row per clip and frame."""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from abaw_pipeline.datasets.base import need_file
from abaw_pipeline.datasets.labels import fits, fitting
from abaw_pipeline.datasets.settings import LabelledSettings
from abaw_pipeline.runtime.text import text_lines
from abaw_pipeline.strict import nearest
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.types import SPLITS, Split

_MOST = 10_000_000
"""Frames of a clip: 100 hours and more. A slip of the pen beyond it would take the memory of as many rows."""

Place = tuple[str, int]
"""A clip and a frame of it, from 1."""
Splits = Mapping[str, Mapping[str, Collection[Split]]]
"""What else is known of clips: their splits by clip and task."""


@dataclass(frozen=True)
class Table:
    """Labels of one task by clip: ``(rows, task.width)`` float32, row ``i`` is frame number ``i + 1``, NaN where nobody
    annotated; one row where the task has one label per clip. And the split of each clip."""

    rows: dict[str, np.ndarray]
    splits: dict[str, Split]


def read_tables(
    settings: LabelledSettings, root: Path, splits: Splits, clips: Collection[str], where: str
) -> dict[str, Table]:
    """The tables of a data set by task; a clip whose split a table does not tell takes that of its other tasks.

    Args:
        clips: names of the clips that there are.
        where: the settings' own key (``datasets.affwild2``), for messages.

    Raises:
        ValueError: as ``read_table``; no such file; a clip whose split nobody tells.
    """
    found = {}
    for task, name in settings.tables.items():
        path = need_file(root / name, f"{where}.tables.{task}")
        table = read_table(path, TASKS[task], clips)
        for clip in table.rows.keys() - table.splits.keys():
            others = {split for several in splits.get(clip, {}).values() for split in several}
            if not others:
                raise ValueError(f"{path}: clip '{clip}' has no split; add a column 'split' ({', '.join(SPLITS)})")
            table.splits[clip] = next(split for split in SPLITS if split in others)
        found[task] = table
    return found


def table_meaning(task: Task) -> list[object]:
    """Everything in a task that decides what its table says."""
    return [task.kind, task.columns, task.level, str(task.missing)]


def read_table(path: Path, task: Task, clips: Collection[str]) -> Table:
    """One table; ``splits`` as far as it tells them.

    Raises:
        ValueError: columns that are missing or unknown, a clip that is none of ``clips``, a label that is not what the
            task allows, a frame below 1 or twice, two splits of one clip; names file and line.
    """
    found: dict[Place, list[float]] = {}
    splits: dict[str, Split] = {}
    lines = []
    for line, row in _records(path, task):
        try:
            place = _clip(row["clip"], clips), _frame(row.get("frame", "1"))
            if place in found:
                raise ValueError(f"{_named(place, task)} stands twice")
            found[place] = [label_value(row[name], task) for name in label_columns(task)]
            if (split := _split(row.get("split", ""))) and splits.setdefault(place[0], split) != split:
                raise ValueError(f"clip '{place[0]}' is '{split}' here and '{splits[place[0]]}' before")
        except ValueError as error:
            raise ValueError(f"{path}: line {line}: {error}") from None
        lines.append(line)
    if not found:
        raise ValueError(f"{path}: line 2: no rows after the header")
    values = np.array(list(found.values()))
    wrong = np.argwhere(~(fits(values, task) | np.isnan(values)))
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(f"{path}: line {lines[row]}: {values[row, column]:g} is none of the {fitting(task)}")
    return Table(_by_clip(list(found), values), splits)


def _records(path: Path, task: Task) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells by column of every row that is not empty."""
    lines = csv.reader(text_lines(path))
    header = [name.strip() for name in next(lines, [])]
    wanted = ["clip", *(["frame"] if task.level == "frame" else []), *label_columns(task)]
    for name in wanted:
        if name not in header:
            raise ValueError(f"{path}: line 1: no column '{name}'; expected {','.join(wanted)} and perhaps split")
    for name in header:
        if name not in (*wanted, "split"):
            raise ValueError(f"{path}: line 1: unknown column '{name}'{nearest(name, [*wanted, 'split'])}")
        if header.count(name) > 1:
            raise ValueError(f"{path}: line 1: column '{name}' stands twice")
    for row in lines:
        if len(row) not in (0, len(header)):
            raise ValueError(f"{path}: line {lines.line_num}: {len(row)} cells for {len(header)} columns")
        if any(cell.strip() for cell in row):
            yield lines.line_num, {name: cell.strip() for name, cell in zip(header, row, strict=True)}


def label_columns(task: Task) -> tuple[str, ...]:
    """The columns of a table that hold the task's labels."""
    return (task.name,) if task.kind == "class" else task.columns


def _clip(name: str, clips: Collection[str]) -> str:
    if name not in clips:
        close = difflib.get_close_matches(name, clips, n=1, cutoff=0)
        raise ValueError(f"the data set has no clip '{name}'{nearest(name, close)}")
    return name


def _frame(text: str) -> int:
    number = _number(text)
    if not number.is_integer() or not 1 <= number <= _MOST:
        raise ValueError(f"frame '{text}' is not a whole number from 1 to {_MOST}")
    return int(number)


def _named(place: Place, task: Task) -> str:
    return f"frame {place[1]} of clip '{place[0]}'" if task.level == "frame" else f"clip '{place[0]}'"


def _split(text: str) -> Split:
    if text and text not in SPLITS:
        raise ValueError(f"no split '{text}'{nearest(text, SPLITS)}")
    return text


def label_value(text: str, task: Task) -> float:
    """A cell as a number, NaN where nobody annotated."""
    if not text:
        return math.nan
    if task.kind == "class" and text in task.columns:
        return float(task.columns.index(text))
    value = _number(text)
    if value == task.missing:
        return math.nan
    if task.kind == "class" and (math.isnan(value) or any(column.isdigit() for column in task.columns)):
        raise ValueError(f"no class '{text}'{nearest(text, task.columns)}")  # numbers that are names are not counted
    if math.isnan(value):
        raise ValueError(f"'{text}' is not a number")
    return value


def _number(text: str) -> float:
    """NaN where the text is no finite number."""
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _by_clip(places: list[Place], values: np.ndarray) -> dict[str, np.ndarray]:
    """Rows ``(n, W)`` at their places, clip by clip."""
    frames = np.array([frame for _, frame in places])
    rows: dict[str, list[int]] = {}
    for row, (clip, _) in enumerate(places):
        rows.setdefault(clip, []).append(row)
    found = {}
    for clip, own in rows.items():
        found[clip] = np.full((frames[own].max(), values.shape[1]), np.nan, np.float32)
        found[clip][frames[own] - 1] = values[own]
    return found
