"""What tables of emotional intensities tell of clips, a row each; the same clips may stand in several tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from abaw_pipeline.datasets.base import Note
from abaw_pipeline.datasets.intensity_rows import Row, intensity_rows
from abaw_pipeline.datasets.labels import short
from abaw_pipeline.datasets.samples import bare_id
from abaw_pipeline.tasks import Task
from abaw_pipeline.types import Split

_HINT = "annotators gave 1 to 100, the tables end at 1: divide all intensities of the file by 100"


@dataclass
class Intensities:
    """What tables tell of clips; ``read`` takes in one after the other, then ``check`` looks at them together.

    Attributes:
        labels: ``(1, task.width)`` float32 by clip, NaN where nobody annotated.
        faults: what is wrong with clips that cannot be used. notes, refused: as in ``DataSet``.
    """

    task: Task
    splits: dict[str, Split] = field(default_factory=dict)
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _split_at: dict[str, str] = field(default_factory=dict)
    _label_at: dict[str, str] = field(default_factory=dict)

    def read(self, path: Path, split: Split | None = None) -> None:
        """Take in one table.

        Args:
            split: of its clips, where the table does not tell it itself.
        """
        odd = _Oddities()
        try:
            for row in intensity_rows(path, self.task, split):
                self._take(row, odd)
        except ValueError as error:
            self.refused.append(str(error))
        self.notes += odd.notes()
        if odd.beyond:
            more = f", and {len(odd.beyond) - 1} more rows are so" if len(odd.beyond) > 1 else ""
            self.refused.append(f"{odd.beyond[0]} is more than 1{more}; {_HINT}")

    def check(self) -> None:
        """Find the clips of which no table tells the split, or the intensities that its split asks for."""
        for clip, place in {**self._label_at, **self._split_at}.items():
            if clip not in self.splits:
                self.faults.setdefault(clip, f"{place}: no table tells the split of clip '{clip}'")
            elif self.splits[clip] == "test":
                self.labels.pop(clip, None)
            elif clip not in self.labels:
                self.faults.setdefault(clip, f"{place}: no table tells the intensities of clip '{clip}'")

    def _take(self, row: Row, odd: _Oddities) -> None:
        odd.of_id(row)
        if not row.clip:
            return
        if row.fault:
            self.faults.setdefault(row.clip, row.fault)
            return
        if row.split:
            first = self._split_at.setdefault(row.clip, row.place)
            other = self.splits.setdefault(row.clip, row.split)
            if row.split != other:
                where = f"is in '{row.split}' here, in '{other}' at {first}"
                self.refused.append(f"{row.place}: clip '{row.clip}' {where}; remove one")
                return
        if row.values is not None:
            self._take_values(row, row.values, odd)

    def _take_values(self, row: Row, values: np.ndarray, odd: _Oddities) -> None:
        if np.isnan(values).any():
            odd.add("unannotated", row.place, row.clip)
            values = np.full_like(values, np.nan)
        elif (values > 1).any():
            column = int(np.argmax(values > 1))
            odd.beyond.append(f"{row.place}: {self.task.columns[column]} {values[column]:g}")
        labels = values[None].astype(np.float32)
        first = self._label_at.setdefault(row.clip, row.place)
        known = self.labels.setdefault(row.clip, labels)
        if first == row.place:
            return
        if np.array_equal(known, labels, equal_nan=True):
            odd.add("twice", row.place, row.clip)
        else:
            self.labels[row.clip] = np.full_like(labels, np.nan)
            what = f"clip '{row.clip}' has other intensities here than at {first}"
            self.notes.append(Note("warning", row.place, what, "it is left unannotated", row.clip))


class _Oddities:
    """What is odd in rows of one table, counted by kind: a note per row would be thousands.

    Attributes:
        beyond: rows with a number of more than 1, in words.
    """

    _NOTED = {
        "brackets": ("ids stand in brackets", "they are read without"),
        "zeros": ("ids have lost their leading zeros", "they are filled up to five digits"),
        "twice": ("rows say the same again", "a clip counts once"),
    }
    _WARNED = {
        "unnamed": ("rows name no clip", "they are left out"),
        "unannotated": ("clips lack intensities", "they are left unannotated"),
    }

    def __init__(self) -> None:
        self._found: dict[str, list[tuple[str, str]]] = {}
        self.beyond: list[str] = []

    def add(self, kind: str, place: str, name: str) -> None:
        self._found.setdefault(kind, []).append((place, name))

    def of_id(self, row: Row) -> None:
        if not row.clip:
            self.add("unnamed", row.place, row.spelt)
            return
        if "[" in row.spelt:
            self.add("brackets", row.place, row.spelt)
        if bare_id(row.spelt) != row.clip:
            self.add("zeros", row.place, row.spelt)

    def notes(self) -> list[Note]:
        found = []
        for kind, rows in self._found.items():
            what, then = {**self._NOTED, **self._WARNED}[kind]
            place, name = rows[0]
            first = f", the first: {short(name)}" if name else ""
            rank: Literal["warning", "note"] = "warning" if kind in self._WARNED else "note"
            found.append(Note(rank, place, f"{len(rows)} {what}{first}", then))
        return found
