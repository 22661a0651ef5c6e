"""What is odd about a data set, where, and what the pipeline does about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Rank = Literal["error", "warning", "note"]
RANKS: tuple[Rank, ...] = ("error", "warning", "note")
"""``error``: the data set cannot be used, a clip is left out, or results would be wrong. ``warning``: data are lost or
changed. ``note``: settled without a loss."""

_AT_LINE = re.compile(r"(?P<where>.+?: line \d+): (?P<what>.+)", re.DOTALL)


@dataclass(frozen=True)
class Problem:
    """One thing.

    Attributes:
        kind: a word or two, the same for all problems that one check finds.
        where: file, and line where there is one (``a.txt: line 3``); else the clip or the data set.
        what: what is odd. then: what the pipeline does about it, and what can be done.
        clip: ``None`` where the data set as a whole is meant.
    """

    rank: Rank
    kind: str
    where: str
    what: str
    then: str
    clip: str | None = None

    @property
    def line(self) -> str:
        return f"{self.rank}: {self.where}: {self.what}; {self.then}"


def from_reason(kind: str, reason: str, then: str, clip: str | None = None, where: str = "") -> Problem:
    """An error from the one line with which a reader refused something; file and line are taken out of it."""
    found = _AT_LINE.fullmatch(reason)
    place, what = (found["where"], found["what"]) if found else (where or clip or "", reason)
    return Problem("error", kind, place, what, then, clip)


def ranked(problems: Iterable[Problem]) -> list[Problem]:
    """Errors first; of one rank those of one kind together, in the order in which they were found."""
    found = list(problems)
    kinds = {kind: place for place, kind in enumerate(dict.fromkeys(problem.kind for problem in found))}
    return sorted(found, key=lambda problem: (RANKS.index(problem.rank), kinds[problem.kind]))
