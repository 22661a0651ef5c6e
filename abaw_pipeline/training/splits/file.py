"""Folds as a CSV file ``clip,fold``, which a user may edit or bring."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from abaw_pipeline.runtime.digests import stamp_of
from abaw_pipeline.runtime.text import text_lines
from abaw_pipeline.strict import nearest
from abaw_pipeline.types import Clip, Split

COLUMNS = ("clip", "fold")
_NAME = re.compile(r"[a-z0-9]+")  # it names files, and ``<fold>-<seed>`` must be told apart


@dataclass(frozen=True)
class Row:
    """A line of the file, counted from 1."""

    line: int
    clip: str
    fold: str


def read_rows(path: Path) -> tuple[Row, ...]:
    """What a fold file says, in its order; read once as long as the file stays as it is.

    Columns are found by their names, further ones are the user's own; ids are text, spaces around them do not count.

    Raises:
        ValueError: no such file, no rows, a missing column, an empty or bad name, a clip twice, only one fold; one
            line that names file and line.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such fold file; correct folds.path ('abaw folds' writes one from another scheme)")
    return _read(path, stamp_of(path.stat()))


def fold_order(names: Iterable[str]) -> list[str]:
    """Names once each, numbers in them by size: ``fold2`` before ``fold10``."""
    return sorted(set(names), key=lambda name: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)])


def listed_folds(path: Path, clips: Sequence[Clip], splits: Mapping[str, Split]) -> dict[str, list[str]]:
    """The clips that each fold of the file holds out.

    A clip that the experiment's tasks have no labels for is passed over, so that one file serves several experiments.

    Args:
        clips: the data set's.
        splits: as ``folds.split`` takes them.

    Raises:
        ValueError: besides those of ``read_rows``: an unknown clip, a test clip, a recording in two folds.
    """
    known = {clip.id: clip.source for clip in clips}
    rows = read_rows(path)
    folds: dict[str, list[str]] = {name: [] for name in fold_order(row.fold for row in rows)}
    first: dict[str, Row] = {}
    for row in rows:
        if row.clip not in known:
            near = nearest(row.clip, known)
            near = near if near.endswith("?") else ""  # else it lists every clip
            raise ValueError(f"{path}: line {row.line}: '{row.clip}' is no usable clip of the data set{near}")
        if splits.get(row.clip) == "test":
            raise ValueError(f"{path}: line {row.line}: '{row.clip}' is a test clip, which no fold may hold; remove it")
        other = first.setdefault(known[row.clip], row)
        if other.fold != row.fold:
            raise ValueError(
                f"{path}: line {row.line}: '{row.clip}' is in {row.fold}, but '{other.clip}' of the same recording "
                f"is in {other.fold} (line {other.line}); put both in one"
            )
        if row.clip in splits:
            folds[row.fold].append(row.clip)
    return folds


def folds_text(folds: Mapping[str, Iterable[str]]) -> str:
    """The file's text, from the clips that each fold holds out: fold by fold, clips sorted."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows((clip, fold) for fold in fold_order(folds) for clip in sorted(folds[fold]))
    return text.getvalue()


@lru_cache(maxsize=8)
def _read(path: Path, stamp: str) -> tuple[Row, ...]:
    table = csv.reader(text_lines(path), strict=True)
    try:
        header = [name.strip() for name in next(table, [])]
        for column in COLUMNS:
            if column not in header:
                raise ValueError(f"{path}: line 1: no column '{column}'; expected the header '{','.join(COLUMNS)}'")
        places = [header.index(column) for column in COLUMNS]
        rows = [_row(path, table.line_num, cells, places) for cells in table if cells]
    except csv.Error as error:
        raise ValueError(f"{path}: line {table.line_num}: {error}") from None
    _check(path, rows)
    return tuple(rows)


def _row(path: Path, line: int, cells: Sequence[str], places: Sequence[int]) -> Row:
    clip, fold = (cells[place].strip() if place < len(cells) else "" for place in places)
    if not clip:
        raise ValueError(f"{path}: line {line}: no clip id")
    if not _NAME.fullmatch(fold):
        raise ValueError(f"{path}: line {line}: fold '{fold}' of '{clip}' must be lower-case letters a to z and digits")
    return Row(line, clip, fold)


def _check(path: Path, rows: Sequence[Row]) -> None:
    if not rows:
        raise ValueError(f"{path}: line 2: no rows after the header")
    lines: dict[str, int] = {}
    for row in rows:
        before = lines.setdefault(row.clip, row.line)
        if before != row.line:
            raise ValueError(f"{path}: line {row.line}: clip '{row.clip}' is already on line {before}; keep one")
    if len({row.fold for row in rows}) == 1:
        raise ValueError(f"{path}: line 2: every clip is in '{rows[0].fold}'; a fold trains on the others, name two")
