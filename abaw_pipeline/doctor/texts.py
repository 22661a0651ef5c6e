"""Marks that editors leave in text files: a byte-order mark, Windows line ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from abaw_pipeline.doctor.problems import Problem

SUFFIXES = (".txt", ".csv", ".tsv")


def text_files(root: Path, watched: Iterable[str]) -> list[Path]:
    """Text files among what a data set is read from; of folders what lies directly in them."""
    places = [root / name for name in watched]
    found = [file for place in places for file in (place.iterdir() if place.is_dir() else [place])]
    return sorted({file for file in found if file.suffix.lower() in SUFFIXES and file.is_file()})


def check_text(file: Path) -> Iterator[Problem]:
    """Every mark in one file, at its first line."""
    data = file.read_bytes()
    if data.startswith(b"\xef\xbb\xbf"):
        what, then = "begins with a byte-order mark", "it is passed over"
        yield Problem("note", "byte-order mark", f"{file}: line 1", what, then)
    place = data.find(b"\r\n")
    if place >= 0:
        line = data.count(b"\n", 0, place) + 1
        what, then = "Windows line ends", "they are read as plain ones"
        yield Problem("note", "line ends", f"{file}: line {line}", what, then)
