"""Tables of labels of any form: rows as they stand, by clip, before they are put on frames."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from abaw_pipeline.datasets.base import Note, some
from abaw_pipeline.datasets.columns import Cells, cell, need_columns, read_csv
from abaw_pipeline.datasets.labels import fits, fitting
from abaw_pipeline.datasets.names import clip_id
from abaw_pipeline.datasets.tables import as_number, frame_number, known_split, label_columns, read_label
from abaw_pipeline.strict import Strict
from abaw_pipeline.tasks import Task
from abaw_pipeline.types import Split


class LabelTable(Strict):
    """The labels of one task in a CSV file. A column is named as it stands in the file's first line, or is made of
    several: ``{person}_{part}``."""

    file: str
    separator: str = Field(default=",", min_length=1, max_length=1)
    per: Literal["frame", "time", "interval", "clip"] = "frame"
    """What a row speaks of: the frame of a number, the frames around a moment, those from a start to an end, or the
    whole clip."""
    clip: str = "clip"
    """Column of the clip's id, as the table of clips has it."""
    frame: str = "frame"
    first_frame: Literal[0, 1] = 1
    """Number of a clip's first frame."""
    time: str = "time"
    start: str = "start"
    end: str = "end"
    time_unit: Literal["s", "ms"] = "s"
    """Of ``time``, ``start`` and ``end``, counted on the recording's own time line."""
    columns: dict[str, str] = {}
    """Columns of the labels where they are not named as the task's (of classes one, named as the task)."""
    classes: dict[str | int, str] = {}
    """What stands in the file for a class, where it is neither the name nor the number of ours."""
    missing: list[str | int | float] = []
    """What stands in the file where nobody annotated, beside the task's own mark; an empty cell always says so."""
    split: str | None = None
    """Column of ``train``, ``val`` or ``test``, where this task has a split of its own."""

    def place_columns(self) -> dict[str, str]:
        """Where the place of a row stands, by setting."""
        named = {"frame": ["frame"], "time": ["time"], "interval": ["start", "end"], "clip": []}
        return {key: getattr(self, key) for key in named[self.per]}

    def label_columns(self, task: Task) -> dict[str, str]:
        """Where the labels stand, by the task's columns."""
        return {name: self.columns.get(name, name) for name in label_columns(task)}


@dataclass(frozen=True)
class Row:
    """One row: its line in the file, its place (frame number from 1; time; start and end; or nothing), its labels."""

    line: int
    place: tuple[float, ...]
    values: tuple[float, ...]


@dataclass
class Rows:
    """What a table holds of every clip; ``faults``: what is wrong with the rows of a clip, which then has none."""

    path: Path
    by_clip: dict[str, list[Row]] = field(default_factory=dict)
    splits: dict[str, Split] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def fault(self, clip: str, line: int, text: object) -> None:
        self.faults.setdefault(clip, f"{self.path}: line {line}: {text}")


def read_rows(path: Path, table: LabelTable, task: Task, clips: Collection[str]) -> Rows:
    """Every row of the clips that there are.

    Raises:
        ValueError: columns that are missing, a file that is no text, or one without rows.
    """
    broken: list[tuple[int, str]] = []
    header, records = read_csv(path, table.separator, broken)
    labels = {f"columns.{name}": column for name, column in table.label_columns(task).items()}
    need_columns({"clip": table.clip, **table.place_columns(), **labels, "split": table.split}, header, path)
    found, strangers, read = Rows(path), dict[str, list[int]](), _Reader(table, task)
    for line, cells in records:
        clip = clip_id(cell(table.clip, cells))
        if clip in clips:
            _add(found, clip, line, cells, read)
        else:
            strangers.setdefault(clip, []).append(line)
    if not found.by_clip and not found.faults and not strangers:
        raise ValueError(f"{path}: line 2: no rows after the header")
    found.notes += [_stranger(path, clip, lines) for clip, lines in strangers.items()]
    found.notes += [Note("warning", f"{path}: line {line}", fault, "the row is left out") for line, fault in broken]
    for clip in list(found.by_clip):
        _check(found, clip, task)
        _settle(found, clip)
    found.by_clip = {clip: rows for clip, rows in found.by_clip.items() if clip not in found.faults}
    return found


def _stranger(path: Path, clip: str, lines: list[int]) -> Note:
    what = f"{len(lines)} rows of a clip '{clip}', which the table of clips does not list"
    return Note("warning", f"{path}: line {lines[0]}", what, "they are left out")


class _Reader:
    """Cells of a row as numbers."""

    def __init__(self, table: LabelTable, task: Task) -> None:
        self.table, self.task = table, task
        self._places, self._labels = table.place_columns(), list(table.label_columns(task).values())
        self._classes = {str(name): label for name, label in table.classes.items()}
        self._texts = {str(mark) for mark in table.missing}
        self._marks = {number for number in map(as_number, self._texts) if not math.isnan(number)}

    def place(self, cells: Cells) -> tuple[float, ...]:
        if self.table.per == "frame":
            return (frame_number(cell(self.table.frame, cells), self.table.first_frame),)
        place = tuple(self._time(key, cell(column, cells)) for key, column in self._places.items())
        if self.table.per == "interval" and place[1] <= place[0]:
            raise ValueError(f"the interval starts at {place[0]:g} s and ends at {place[1]:g} s")
        return place

    def _time(self, key: str, text: str) -> float:
        number = as_number(text)
        if math.isnan(number):
            raise ValueError(f"{key} '{text}' is not a number")
        return number / 1000 if self.table.time_unit == "ms" else number

    def values(self, cells: Cells) -> tuple[float, ...]:
        return tuple(self._value(cell(column, cells)) for column in self._labels)

    def _value(self, text: str) -> float:
        if text in self._texts or as_number(text) in self._marks:
            return math.nan
        return read_label(self._classes.get(text, text), self.task)


def _add(found: Rows, clip: str, line: int, cells: Cells, read: _Reader) -> None:
    if clip in found.faults:
        return
    try:
        row = Row(line, read.place(cells), read.values(cells))
        split = known_split(cell(read.table.split, cells)) if read.table.split else ""
        if split and found.splits.setdefault(clip, split) != split:
            raise ValueError(f"clip '{clip}' is '{split}' here and '{found.splits[clip]}' before")
        found.by_clip.setdefault(clip, []).append(row)
    except ValueError as error:
        found.fault(clip, line, error)


def _check(found: Rows, clip: str, task: Task) -> None:
    """Look for labels that the task does not have."""
    rows = found.by_clip[clip]
    values = np.array([row.values for row in rows])
    wrong = np.argwhere(~(fits(values, task) | np.isnan(values)))
    if len(wrong):
        row, column = wrong[0]
        found.fault(clip, rows[row].line, f"{values[row, column]:g} is none of the {fitting(task)}")


def _settle(found: Rows, clip: str) -> None:
    """Leave one row of each place: where several say the same, the first; where they differ, one without labels."""
    kept: dict[tuple[float, ...], Row] = {}
    repeated: dict[bool, list[str]] = {True: [], False: []}
    for row in found.by_clip[clip]:
        first = kept.setdefault(row.place, row)
        if first is row:
            continue
        same = np.array_equal(first.values, row.values, equal_nan=True)
        repeated[same].append(f"{row.line} (as line {first.line})")
        if not same:
            kept[row.place] = replace(first, values=(math.nan,) * len(first.values))
    found.by_clip[clip] = list(kept.values())
    if repeated[True]:
        where = f"{found.path}: line {some(repeated[True])}"
        found.notes.append(Note("note", where, "the same labels of one place again", "counted once", clip))
    if repeated[False]:
        where = f"{found.path}: line {some(repeated[False])}"
        found.notes.append(Note("warning", where, "other labels of one place", "the place is left unlabelled", clip))
