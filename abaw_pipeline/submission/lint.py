"""The organisers' format check: is this file what the sample file asks for?

Tolerated: carriage returns, spaces around values, a missing newline at the end. Reported: a byte order mark, empty
rows, a comma at the end of a row (sample rows may have one, a submission must not), and everything that ``Offence``
messages below name. Rows are compared by position, names exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from abaw_pipeline.datasets.samples import read_sample_file, sample_names
from abaw_pipeline.runtime.text import File
from abaw_pipeline.strict import nearest
from abaw_pipeline.submission.opened import opened
from abaw_pipeline.submission.order import RowOrder
from abaw_pipeline.submission.packing import has_files_per_video, video_rows
from abaw_pipeline.submission.values import numbered_lines, wrong_header, wrong_values
from abaw_pipeline.tracks import TRACKS, Track


@dataclass(frozen=True, order=True)
class Offence:
    """One thing wrong with line ``line`` (from 1, the header) of a submission; ``file`` is the one of a video."""

    line: int
    message: str
    file: str = ""


def track_named(name: str) -> Track:
    """The track; ``ValueError`` where there is none of that name."""
    if name not in TRACKS:
        raise ValueError(f"no track '{name}'{nearest(name, TRACKS)}")
    return TRACKS[name]


def lint(track: str, path: Path, sample: Path) -> list[Offence]:
    """Everything that is wrong with a submission, by line; empty where it is fine.

    Files are streamed; of the sample, the row names are held.

    Args:
        path: the file, a zip with it, or a folder or zip of one ``<video>.txt`` per video.

    Raises:
        ValueError: no such track or file, or a sample file that is not one.
    """
    known = track_named(track)
    if not sample.is_file():
        raise ValueError(f"{sample}: no such file")
    files = opened(path, known)
    if not isinstance(files, dict):
        return sorted(_one_file(files, known, sample))
    if not has_files_per_video(known):
        raise ValueError(f"{path}: holds no file '{known.name}{known.suffix}', and {track} has no files per video")
    return list(_videos(files, known, sample))


def rows_of(track: str, sample: Path) -> int:
    """Number of rows that a sample file asks for."""
    return sum(1 for _ in sample_names(sample, TRACKS[track]))


def _one_file(file: File, track: Track, sample: Path) -> Iterator[Offence]:
    order = RowOrder(list(sample_names(sample, track)))
    last = 0
    for last, line in numbered_lines(file):
        check = wrong_header(line, track.header) if last == 1 else _row(line, last, order, track)
        yield from (Offence(last, message) for message in check)
    if not last:
        yield Offence(1, f"the file is empty; the header must be '{track.header}'")
    yield from (Offence(line, message) for line, message in order.finish(max(last, 1) + 1))


def _row(line: str, number: int, order: RowOrder, track: Track) -> Iterator[str]:
    if not line.strip():
        yield "an empty row"
        return
    name, *values = line.split(",")
    yield from order.see(name.strip(), number)
    yield from wrong_values(values, track.owners, " after the name")


def _videos(files: Mapping[str, File], track: Track, sample: Path) -> Iterator[Offence]:
    frames = {clip: len(places) for clip, places in video_rows(read_sample_file(sample, track)).items()}
    for clip, count in frames.items():
        if clip in files:
            yield from (Offence(line, text, f"{clip}.txt") for line, text in _video(files[clip], track, count))
        else:
            yield Offence(1, f"there is no such file; the sample asks for {count} rows of this video", f"{clip}.txt")
    for name in files:
        if name not in frames:
            yield Offence(1, "the sample file has no video of that name", name)


def _video(file: File, track: Track, count: int) -> Iterator[tuple[int, str]]:
    """What is wrong with the file of one video, of which ``count`` rows are wanted."""
    header, last = track.parts[0].header, 0
    for last, line in numbered_lines(file):
        check = wrong_header(line, header) if last == 1 else wrong_values(line.split(","), track.owners)
        yield from ((last, message) for message in check)
    if last - 1 != count:
        rows = "the file is empty" if not last else f"{last - 1} rows"
        yield max(last, 1), f"{rows}; the sample asks for {count} rows of this video, after the header '{header}'"
