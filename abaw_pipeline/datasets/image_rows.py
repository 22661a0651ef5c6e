"""One picture of a list of labelled pictures, its labels still as text; where such lists and their pictures lie."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from abaw_pipeline.datasets.base import need_file, need_folder
from abaw_pipeline.runtime.text import text_lines
from abaw_pipeline.types import Split


@dataclass(frozen=True)
class Row:
    """One picture.

    Attributes:
        where: file, and line where there is one.
        cells: text by column of labels (``expr``, ``valence``, ``AU1``, ...), empty where nobody annotated.
        group: whom the picture shows, or what else folds are to keep together; empty where nobody says.
        fault: why the picture cannot be used, where its cells could not be read.
    """

    picture: Path
    where: str
    split: Split
    cells: dict[str, str]
    group: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Places:
    """What settings say of a list.

    Attributes:
        where: the settings' own key (``datasets.raf``), for messages.
        list_file, images: below the root; ``None``: where the layout has them.
        labels: names of the columns of labels that are read.
        columns: what the list calls columns, where it is not as we do.
        split: of pictures whose list has no column of splits.
    """

    root: Path
    where: str
    list_file: str | None = None
    images: str | None = None
    labels: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    split: Split = "train"

    def file(self, usual: str) -> Path:
        return need_file(self.root / (self.list_file or usual), f"{self.where}.list_file")

    def folder(self, usual: str) -> Path:
        return need_folder(self.root / (self.images or usual), f"{self.where}.images")


def records(path: Path, wanted: Sequence[str], header: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells by column of every row of a CSV that is not empty.

    Args:
        wanted: columns that must be there.
        header: the columns of a file whose first line is none.

    Raises:
        ValueError: a column is missing, or a row has other cells than there are columns; names file and line.
    """
    lines = csv.reader(text_lines(path))
    first = [name.strip() for name in next(lines, [])]
    names = first if first[:1] == [*header[:1]] or not header else list(header)
    for name in wanted:
        if name not in names:
            raise ValueError(f"{path}: line 1: no column '{name}'; there are {', '.join(names)}")
    if names is not first:
        yield 1, dict(zip(names, first, strict=False))
    for row in lines:
        if len(row) not in (0, len(names)):
            raise ValueError(f"{path}: line {lines.line_num}: {len(row)} cells for {len(names)} columns")
        if any(cell.strip() for cell in row):
            yield lines.line_num, {name: cell.strip() for name, cell in zip(names, row, strict=True)}
