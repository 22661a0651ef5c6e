"""Which pictures of a list can be used, with their labels as numbers, and what became of the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from abaw_pipeline.datasets.base import Note
from abaw_pipeline.datasets.image_rows import Row
from abaw_pipeline.datasets.labels import fits, fitting
from abaw_pipeline.datasets.tables import label_columns, label_value
from abaw_pipeline.tasks import Task

Still = tuple[Row, dict[str, list[float]]]
"""A picture and its labels by task."""
_NUMBER = re.compile(r"-?\d+(\.0*)?")


class _UnknownClass(ValueError):
    """What the list calls a class of which nobody said which of ours it is."""


@dataclass
class Pictures:
    """Pictures that are there and have a label (of the split ``test``: all that are there), and what became of others.

    Attributes:
        unknown: where each class that nobody knows stands first.
    """

    tasks: list[Task]
    classes: Mapping[str, str | None]
    kept: dict[Path, Still] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    _left_out: dict[str, list[str]] = field(default_factory=dict)
    _names: dict[Path, set[str]] = field(default_factory=dict)

    def take(self, row: Row) -> None:
        """The next row of the list."""
        if reason := self._fault(row):
            self._left_out.setdefault(reason, []).append(row.where)

    def _fault(self, row: Row) -> str:
        """Keep the picture; or why it is left out."""
        if row.fault:
            return row.fault
        if not self._is_there(row.picture):
            return "no such picture"
        try:
            labels = {task.name: _label(row, task, self.classes) for task in self.tasks}
        except _UnknownClass as error:
            self.unknown.setdefault(str(error), row.where)
            return ""
        except ValueError as error:
            return str(error)
        if row.picture in self.kept:
            same = str(self.kept[row.picture][1]) == str(labels)  # NaN is not equal to itself
            return "a picture that was listed before" if same else "a picture that was listed before, with other labels"
        if row.split != "test" and all(np.isnan(value) for one in labels.values() for value in one):
            return "no label that is one of ours"
        self.kept[row.picture] = row, labels
        return ""

    def _is_there(self, picture: Path) -> bool:
        """Folders are listed whole: a question per picture takes minutes on a network's disk."""
        folder = picture.parent
        if folder not in self._names:
            self._names[folder] = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        return picture.name in self._names[folder]

    def notes(self) -> list[Note]:
        """One for each reason, at the first place of many."""
        told = []
        for reason, places in self._left_out.items():
            others = f" (and {len(places) - 1} more rows)" if len(places) > 1 else ""
            rank: Literal["note", "warning"] = "note" if reason.startswith("no label") else "warning"
            told.append(Note(rank, places[0], reason + others, "left out"))
        return told


def _label(row: Row, task: Task, classes: Mapping[str, str | None]) -> list[float]:
    """A picture's labels of one task, NaN where it has none."""
    texts = [row.cells.get(column, "") for column in label_columns(task)]
    if task.kind == "class" and texts[0] not in ("", f"{task.missing:g}", *task.columns):
        if texts[0] in classes:
            texts = [classes[texts[0]] or ""]
        elif classes or not _NUMBER.fullmatch(texts[0]):
            raise _UnknownClass(texts[0])
    values = [label_value(text, task) for text in texts]
    if not (fits(np.array(values), task) | np.isnan(values)).all():
        raise ValueError(f"'{','.join(texts)}' is none of the {fitting(task)}")
    return values
