"""The organisers' format check: is this file what the sample file asks for?

Tolerated: carriage returns, spaces around values, a missing newline at the end. Reported: a byte order mark, empty
rows, a comma at the end of a row (sample rows may have one, a submission must not), and everything that ``Offence``
messages below name. Rows are compared by position, names exactly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from abaw_pipeline.datasets.samples import sample_names
from abaw_pipeline.strict import nearest
from abaw_pipeline.submission.order import RowOrder
from abaw_pipeline.tasks import Task
from abaw_pipeline.tracks import TRACKS, Track

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WHOLE = re.compile(r"\d+")


@dataclass(frozen=True, order=True)
class Offence:
    """One thing wrong with line ``line`` (from 1, the header) of a submission file."""

    line: int
    message: str


def lint(task: str, file: Path, sample: Path) -> list[Offence]:
    """Everything that is wrong with a submission file, by line; empty where it is fine.

    The file is streamed; of the sample, the row names are held.

    Raises:
        ValueError: no such task or file, or a sample file that is not one.
    """
    if task not in TRACKS:
        raise ValueError(f"no track '{task}'{nearest(task, TRACKS)}")
    for path in (file, sample):
        if not path.is_file():
            raise ValueError(f"{path}: no such file")
    order = RowOrder(list(sample_names(sample, TRACKS[task])))
    found: list[Offence] = []
    last = 0
    for last, line in _lines(file):
        check = _header(line, TRACKS[task]) if last == 1 else _row(line, last, order, TRACKS[task])
        found += [Offence(last, message) for message in check]
    if not last:
        found.append(Offence(1, f"the file is empty; the header must be '{TRACKS[task].header}'"))
    return sorted(found + [Offence(line, message) for line, message in order.finish(max(last, 1) + 1)])


def rows_of(task: str, sample: Path) -> int:
    """Number of rows that a sample file asks for."""
    return sum(1 for _ in sample_names(sample, TRACKS[task]))


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines without their ends; bytes that are not UTF-8 are shown as such and fail as values or names."""
    with file.open(encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
        for number, line in enumerate(stream, start=1):
            yield number, line.rstrip("\r\n")


def _header(line: str, track: Track) -> Iterator[str]:
    if line.startswith("\ufeff"):
        yield "starts with a byte order mark; save it as plain UTF-8"
    if line.removeprefix("\ufeff") != track.header:
        yield f"the header must be '{track.header}', not '{line[:80]}'"


def _row(line: str, number: int, order: RowOrder, track: Track) -> Iterator[str]:
    if not line.strip():
        yield "an empty row"
        return
    name, *values = line.split(",")
    yield from order.see(name.strip(), number)
    yield from _values(values, track.owners, " after the name")


def _values(values: list[str], owners: Sequence[Task], where: str = "") -> Iterator[str]:
    """What is wrong with the values of one row; ``owners`` are the tasks they should be of."""
    if len(values) == len(owners) + 1 and not values[-1].strip():
        yield "ends in a comma"
        values = values[:-1]
    if len(values) != len(owners):
        yield f"{len(owners)} values are needed{where}, here are {len(values)}"
    for text, task in zip(values, owners, strict=False):
        message = _value(text.strip(), task)
        if message:
            yield message


def _value(text: str, task: Task) -> str | None:
    if task.kind in ("class", "labels"):
        top = len(task.columns) - 1 if task.kind == "class" else 1
        fine = _WHOLE.fullmatch(text) and int(text) <= top
        return None if fine else f"'{text[:40]}' is not a whole number from 0 to {top}"
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return f"'{text}' is not finite"
    if not _NUMBER.fullmatch(text):
        return f"'{text[:40]}' is not a number"
    low, high = task.bounds or (-math.inf, math.inf)
    return None if low <= float(text) <= high else f"{text[:40]} is outside [{low:g}, {high:g}]"
