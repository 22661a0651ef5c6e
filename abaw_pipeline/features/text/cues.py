"""SubRip and WebVTT: cues of some words with a beginning and an end, as people write and correct them.

WebVTT (W3C Candidate Recommendation, 2019) may give times inside a cue (``one <00:00:01.400>two``); they are kept to.
Words between two known times share them by their number of characters (``words.shared_out``).
"""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from abaw_pipeline.features.text.words import Word, Words, in_order, shared_out

_TIME = r"(?:(\d+):)?([0-5]\d):([0-5]\d)[.,](\d{3})"
_CUE = re.compile(rf"\s*{_TIME}\s+-->\s+{_TIME}(\s.*)?")
_INSIDE = re.compile(rf"<{_TIME}>")
_TAG = re.compile(r"<[^<>]*>|\{\\[^}]*\}")  # of WebVTT and HTML, and the positions of SubRip
_NOT_CUES = ("WEBVTT", "NOTE", "STYLE", "REGION")

PAUSE_S = 0.3
"""A silence this long between two words begins a new cue."""
LONGEST_CUE_S = 6.0
"""No word begins later than this in a cue."""


def parse_cues(text: str, path: Path) -> Words:
    """Words of a ``.srt`` or ``.vtt`` file.

    Raises:
        ValueError: something that is no cue, times that do not go forward; names file and line.
    """
    vtt = path.suffix.lower() == ".vtt"
    words: list[Word] = []
    for number, block in _blocks(text):
        if vtt and block[0].startswith(_NOT_CUES):
            continue
        at = next((i for i, line in enumerate(block[:2]) if "-->" in line), None)
        if at is None:
            raise ValueError(f"{path}:{number}: no times where a cue begins: {block[0][:40]!r}")
        words += _cue(block[at], " ".join(block[at + 1 :]), f"{path}:{number + at}", vtt)
    return in_order(words)


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Lines between empty ones, and the number of the first."""
    block: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.strip():
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []


def _cue(times: str, text: str, where: str, vtt: bool) -> Iterator[Word]:
    match = _CUE.fullmatch(times)
    if match is None:
        raise ValueError(f"{where}: not the times of a cue (00:00:01,000 --> 00:00:02,500): {times.strip()[:40]!r}")
    start, end = _seconds(match.groups()[:4]), _seconds(match.groups()[4:8])
    parts = _INSIDE.split(text)  # text, then hours, minutes, seconds, milliseconds and text, again and again
    edges = [start, *(_seconds(parts[i : i + 4]) for i in range(1, len(parts), 5)), end]
    if any(later < earlier for earlier, later in itertools.pairwise(edges)):
        raise ValueError(f"{where}: its times do not go forward: {times.strip()}")
    for number, part in enumerate(parts[::5]):
        bare = _TAG.sub("", part)
        yield from shared_out(html.unescape(bare) if vtt else bare, edges[number], edges[number + 1])


def _seconds(parts: Iterable[str | None]) -> float:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in parts)
    return ((hours * 60 + minutes) * 60 + seconds) + thousandths / 1000


def as_vtt(words: Words) -> str:
    """A WebVTT file with one line of words per phrase; a word lasts until the next one of its phrase begins."""
    parts = ["WEBVTT"]
    for phrase in _phrases(words):
        first, last = phrase[0], phrase[-1]
        text = [_escaped(first.text), *(f"<{_stamp(word.start)}>{_escaped(word.text)}" for word in phrase[1:])]
        parts.append(f"{_stamp(first.start)} --> {_stamp(last.end)}\n{' '.join(text)}")
    return "\n\n".join(parts) + "\n"


def _phrases(words: Words) -> Iterator[list[Word]]:
    phrase: list[Word] = []
    for word in words:
        if phrase and (_after(phrase[-1].end, word) >= PAUSE_S or _after(phrase[0].start, word) >= LONGEST_CUE_S):
            yield phrase
            phrase = []
        phrase.append(word)
    if phrase:
        yield phrase


def _after(time: float | None, word: Word) -> float:
    return (word.start or 0.0) - (time or 0.0)


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _stamp(seconds: float | None) -> str:
    thousandths = round((seconds or 0.0) * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
