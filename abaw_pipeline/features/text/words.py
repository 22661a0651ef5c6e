"""Words of a transcript and their times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from abaw_pipeline.runtime.keys import digest


class Word(NamedTuple):
    """What stands between two spaces, and when it is said: seconds on the recording's own time line.

    ``start`` and ``end`` are both ``None`` where the transcript has no times.
    """

    text: str
    start: float | None = None
    end: float | None = None


Words = tuple[Word, ...]


def without_times(text: str) -> Words:
    return tuple(map(Word, text.split()))


def shared_out(text: str, start: float, end: float) -> Words:
    """Words of a phrase of which only beginning and end are known: each gets time by its number of characters."""
    words = text.split()
    total = max(sum(map(len, words)), 1)
    edges, said = [start], 0
    for word in words:
        said += len(word)
        edges.append(start + (end - start) * said / total)
    return tuple(Word(word, edges[i], edges[i + 1]) for i, word in enumerate(words))


def in_order(words: Iterable[Word]) -> Words:
    """By their beginning; of equal ones, and where there are no times, in the order given."""
    return tuple(sorted(words, key=lambda word: word.start or 0.0))


def words_digest(words: Words) -> str:
    """What tells transcripts apart: their words and times, not their format."""
    return digest([list(word) for word in words])
