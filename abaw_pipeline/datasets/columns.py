"""Tables that people bring as CSV files: cells by the name of their column, whatever it is called."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from abaw_pipeline.runtime.text import text_lines
from abaw_pipeline.strict import nearest

Cells = dict[str, str]
"""A row: cells by column, without space around them."""
_NAMED = re.compile(r"\{([^{}]+)\}")


def read_csv(
    path: Path, separator: str = ",", faults: list[tuple[int, str]] | None = None
) -> tuple[list[str], Iterator[tuple[int, Cells]]]:
    """Names of the columns, and line number and cells of every row that is not empty.

    Args:
        faults: takes line number and fault of rows with too few or too many cells; without it they are an error.

    Raises:
        ValueError: two columns of one name, or such a row; names file and line.
    """
    lines = csv.reader(text_lines(path), delimiter=separator)
    header = [name.strip() for name in next(lines, [])]
    for name in header:
        if name and header.count(name) > 1:
            raise ValueError(f"{path}: line 1: column '{name}' stands twice")

    def rows() -> Iterator[tuple[int, Cells]]:
        for row in lines:
            if len(row) in (0, len(header)):
                if any(cell.strip() for cell in row):
                    yield lines.line_num, {name: cell.strip() for name, cell in zip(header, row, strict=True)}
                continue
            fault = f"{len(row)} cells for {len(header)} columns"
            if faults is None:
                raise ValueError(f"{path}: line {lines.line_num}: {fault}")
            faults.append((lines.line_num, fault))

    return header, rows()


def cell(wanted: str, row: Mapping[str, str]) -> str:
    """A cell by its column; or, of a text with columns in braces (``videos/{name}.mp4``), the text with their cells.

    Empty where one of these cells is.
    """
    columns = _columns(wanted)
    if columns == [wanted]:
        return row[wanted]
    return _NAMED.sub(lambda match: row[match[1]], wanted) if all(row[name] for name in columns) else ""


def need_columns(wanted: Mapping[str, str | None], header: Collection[str], path: Path) -> None:
    """Raises ``ValueError`` where a column that the settings name is not there.

    Args:
        wanted: what ``cell`` is asked for, by the setting that says so.
    """
    for key, text in wanted.items():
        for name in _columns(text) if text is not None else ():
            if name not in header:
                raise ValueError(f"{path}: line 1: no column '{name}' (setting '{key}'){nearest(name, header)}")


def _columns(wanted: str) -> list[str]:
    return _NAMED.findall(wanted) or [wanted]
