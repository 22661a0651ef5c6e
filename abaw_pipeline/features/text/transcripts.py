"""Transcripts as files hold them: one file a clip, or a table."""

from __future__ import annotations

import csv
import glob
import io
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from abaw_pipeline.features.text.cues import parse_cues
from abaw_pipeline.features.text.settings import FileTranscripts, MadeTranscripts, TableTranscripts
from abaw_pipeline.features.text.words import Word, Words, in_order, shared_out, without_times
from abaw_pipeline.runtime.digests import stamp_of
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.names import escape

Source = FileTranscripts | TableTranscripts | MadeTranscripts


def find_words(source: Source, clip: str) -> Words | None:
    """What is said in a clip, in order; ``None`` where there is no file, or no row of the table, for it.

    Raises:
        ValueError: the folder or table is not there, or cannot be read; names file and line.
    """
    if isinstance(source, TableTranscripts):
        path = Path(source.path)
        if not path.is_file():
            raise ValueError(f"{path}: no such table of transcripts")
        return _table(source, stamp_of(path.stat())).get(clip)
    if isinstance(source, FileTranscripts) and not Path(source.folder).is_dir():
        raise ValueError(f"{source.folder}: no such folder of transcripts")
    path = place(source, clip)
    return read_words(path) if path.is_file() else None


def place(source: Source, clip: str) -> Path:
    """The file that a clip's words are looked for in."""
    if isinstance(source, TableTranscripts):
        return Path(source.path)
    name = source.pattern.replace("{clip}", clip) if isinstance(source, FileTranscripts) else f"{escape(clip)}.vtt"
    return Path(source.folder) / name


def listing(source: Source) -> str:
    """Digest of names, sizes and times of all files it may read; empty for made ones, which have manifests."""
    if isinstance(source, MadeTranscripts):
        return ""
    if isinstance(source, TableTranscripts):
        paths = [path for path in (Path(source.path),) if path.is_file()]
    else:
        parts = list(map(glob.escape, source.pattern.split("{clip}")))
        fitting = [any_clip.join(parts) for any_clip in ("*", "*/*")]  # an id may have a slash in it
        paths = [path for pattern in fitting for path in Path(source.folder).glob(pattern) if path.is_file()]
    return digest(sorted([str(path), stamp_of(path.stat())] for path in paths))


def read_words(path: Path) -> Words:
    """Words of one ``.txt``, ``.srt`` or ``.vtt`` file.

    Raises:
        ValueError: not UTF-8, or malformed; names file and line.
    """
    text = read_text(path)
    return without_times(text) if path.suffix.lower() == ".txt" else parse_cues(text, path)


def read_text(path: Path) -> str:
    """UTF-8, with or without a byte order mark, line ends of any system; ``ValueError`` names the line that is not."""
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}:{line}: not UTF-8 text; save it as UTF-8") from None


@lru_cache(maxsize=8)
def _table(source: TableTranscripts, stamp: str) -> dict[str, Words]:
    """Words by clip; read once as long as the file stays as it is."""
    rows = csv.DictReader(io.StringIO(read_text(Path(source.path)), newline=""), delimiter=source.delimiter)
    for column in (source.clip, source.text, source.start, source.end):
        if column is not None and column not in (rows.fieldnames or ()):
            known = ", ".join(rows.fieldnames or ())
            raise ValueError(f"{source.path}: no column '{column}' in its first line (it has: {known})")
    found: dict[str, list[Word]] = {}
    try:
        for row in rows:
            found.setdefault((row[source.clip] or "").strip(), []).extend(_row(source, row, rows.line_num))
    except csv.Error as error:
        raise ValueError(f"{source.path}:{rows.line_num}: not a row of a table: {error}") from None
    return {clip: in_order(words) for clip, words in found.items()}


def _row(source: TableTranscripts, row: dict[str, str], line: int) -> Iterator[Word]:
    text = row[source.text] or ""
    if source.start is None or source.end is None:
        yield from without_times(text)
        return
    scale = 1.0 if source.unit == "s" else 1000.0
    try:
        start, end = float(row[source.start]) / scale, float(row[source.end]) / scale
    except (TypeError, ValueError):
        times = f"{row[source.start]!r}, {row[source.end]!r}"
        raise ValueError(f"{source.path}:{line}: start and end are not numbers: {times}") from None
    if not 0 <= start <= end < float("inf"):
        raise ValueError(f"{source.path}:{line}: times do not go forward: {start} s to {end} s")
    yield from shared_out(text, start, end)
