"""The organisers' sample submission: which rows a submission holds, in which order. Read by position."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from abaw_pipeline.datasets.names import clip_id
from abaw_pipeline.tracks import Track

_DIGITS = 12
"""More than any data set's ids have."""
_ROW = re.compile(r"(?P<clip>.+)/(?P<frame>\d+)\.[A-Za-z]+")


def sample_names(path: Path, track: Track) -> Iterator[str]:
    """First field of each row (``2-30-640x360/00001.jpg``, or a clip's id as it is spelt there), streamed.

    Rows may end in commas or lack their values; a byte order mark, carriage returns and empty lines at the end
    are tolerated.

    Raises:
        ValueError: another track's header, an empty row or a row that names no frame; names file and line.
    """
    return (name for name, _ in _rows(path, track))


def _rows(path: Path, track: Track) -> Iterator[tuple[str, tuple[str, int]]]:
    """First field of each row, with its clip id and frame number, streamed."""
    with path.open(encoding="utf-8-sig") as stream:
        header = stream.readline().strip().rstrip(", ")
        if header != track.header:
            raise ValueError(f"{path}: line 1: expected the header '{track.header}', found '{header[:80]}'")
        empty = 0
        for number, line in enumerate(stream, start=2):
            name = line.split(",", 1)[0].strip()
            if not name:
                empty = empty or number
                continue
            if empty:
                raise ValueError(f"{path}: line {empty}: an empty row in the middle of a sample file")
            yield name, split_row(name, track, path, number)


def split_row(name: str, track: Track, path: Path, line: int) -> tuple[str, int]:
    """Clip id and frame number (from 1) of a row's name; 1 where a row is a clip."""
    if track.level == "frame":
        return split_name(name, path, line)
    if not bare_id(name):
        raise ValueError(f"{path}: line {line}: '{name[:80]}' names no clip")
    return bare_id(name), 1


def split_name(name: str, path: Path, line: int) -> tuple[str, int]:
    """Clip id and frame number (from 1) of ``clip/00001.jpg``; ``path`` and ``line`` are for the error."""
    match = _ROW.fullmatch(name)
    if not match or int(match["frame"]) < 1:
        raise ValueError(f"{path}: line {line}: '{name[:80]}' is not '<clip>/<frame number from 1>.jpg'")
    return clip_id(match["clip"]), int(match["frame"])


def bare_id(name: str) -> str:
    """The id in ``[12345]``, ``"12345"`` or ``12345``; its zeros stay."""
    return clip_id(name.strip(" \t\"'[]"))


def known_clip(clip: str, known: Collection[str]) -> str | None:
    """The known clip that an id means: itself, or the only one that differs from it in leading zeros alone.

    Spreadsheets read ``00123`` as a number and write 123.
    """
    if clip in known:
        return clip
    bare = clip.lstrip("0")
    alike = {spelt for width in range(1, _DIGITS + 1) if (spelt := bare.zfill(width)) in known}
    return alike.pop() if clip.isdecimal() and len(alike) == 1 else None


def read_sample_file(path: Path, track: Track) -> list[tuple[str, int]]:
    """Clip id and frame number of every row, in the sample's order; 1 where a row is a clip.

    Raises:
        ValueError: see ``sample_names``; also a sample without rows.
    """
    rows = [place for _, place in _rows(path, track)]
    if not rows:
        raise ValueError(f"{path}: line 2: no rows after the header")
    return rows
