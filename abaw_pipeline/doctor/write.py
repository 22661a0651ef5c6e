"""``doctor.csv``: a row per problem with the numbers of its clip, and one per clip without any."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from abaw_pipeline.doctor.examine import Examined
from abaw_pipeline.doctor.problems import Problem
from abaw_pipeline.runtime.files import atomic

_FIRST = ("dataset", "clip", "rank", "kind", "where", "what", "then")


def write_table(found: Iterable[Examined], path: Path) -> None:
    """Write everything that was found, errors of a data set first.

    Raises:
        CannotWrite: the disk is full or read-only.
    """
    rows = [row for one in found for row in _rows(one)]
    columns = dict.fromkeys([*_FIRST, *(name for row in rows for name in row)])
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, list(columns), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def _rows(found: Examined) -> Iterator[Mapping[str, object]]:
    numbers = {seen.clip.id: dict(seen.numbers()) for seen in found.clips}
    for problem in found.problems:
        yield {"dataset": found.dataset, **_told(problem), **numbers.get(problem.clip or "", {})}
    for clip in sorted(numbers.keys() - {problem.clip for problem in found.problems}):
        yield {"dataset": found.dataset, "clip": clip, **numbers[clip]}


def _told(problem: Problem) -> dict[str, object]:
    return {name: getattr(problem, name) for name in _FIRST[1:]}
