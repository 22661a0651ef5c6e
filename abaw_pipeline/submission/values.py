"""What is wrong with single lines and values of a submission file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from abaw_pipeline.runtime.text import File
from abaw_pipeline.tasks import Task

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WHOLE = re.compile(r"\d+")


def numbered_lines(file: File) -> Iterator[tuple[int, str]]:
    """Numbered lines without their ends; bytes that are not UTF-8 are shown as such and fail as values or names."""
    with file.open("r", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
        for number, line in enumerate(stream, start=1):
            yield number, str(line).rstrip("\r\n")


def wrong_header(line: str, header: str) -> Iterator[str]:
    """What is wrong with the first line."""
    if line.startswith("\ufeff"):
        yield "starts with a byte order mark; save it as plain UTF-8"
    if line.removeprefix("\ufeff") != header:
        yield f"the header must be '{header}', not '{line[:80]}'"


def wrong_values(values: Sequence[str], owners: Sequence[Task], where: str = "") -> Iterator[str]:
    """What is wrong with the values of one row.

    Args:
        owners: the task of each value that should be there.
        where: where they should be, in words.
    """
    if len(values) == len(owners) + 1 and not values[-1].strip():
        yield "ends in a comma"
        values = values[:-1]
    if len(values) != len(owners):
        yield f"{len(owners)} values are needed{where}, here are {len(values)}"
    for text, task in zip(values, owners, strict=False):
        message = _wrong_value(text.strip(), task)
        if message:
            yield message


def _wrong_value(text: str, task: Task) -> str | None:
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
