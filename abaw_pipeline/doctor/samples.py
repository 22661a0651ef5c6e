"""Checks of the organisers' sample files: which rows they ask for, against the frames that there are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from abaw_pipeline.datasets.samples import known_clip, read_sample_file
from abaw_pipeline.doctor.problems import Problem
from abaw_pipeline.state.words import count
from abaw_pipeline.submission.rows import TOLERANCE
from abaw_pipeline.tracks import TRACKS


@dataclass(frozen=True)
class Asked:
    """Rows of one clip in the sample file of a track: frame numbers (from 1) and lines, int64 ``(n,)``."""

    path: Path
    track: str
    frames: np.ndarray
    lines: np.ndarray

    def line(self, place: int) -> str:
        return f"{self.path}: line {self.lines[place]}"


def asked(samples: Mapping[str, Path], known: Collection[str]) -> dict[str, dict[str, Asked]]:
    """Rows of every sample file, by track and clip.

    Args:
        known: ids of the clips that there are; a sample may spell those of tracks of clips without their zeros.

    Raises:
        ValueError: a sample that is none; names file and line.
    """
    found: dict[str, dict[str, Asked]] = {}
    for track, path in samples.items():
        rows: dict[str, list[tuple[int, int]]] = {}
        for line, (clip, frame) in enumerate(read_sample_file(path, TRACKS[track]), start=2):
            rows.setdefault(known_clip(clip, known) or clip, []).append((frame, line))
        found[track] = {clip: Asked(path, track, *np.array(pairs, np.int64).T) for clip, pairs in rows.items()}
    return found


def check_sample(rows: Asked, clip: str, frames: int, fill: str) -> Iterator[Problem]:
    """Rows that no frame answers, and rows that stand twice.

    Args:
        frames: of the clip's picture clock.
        fill: ``submission.fill``.
    """
    if TRACKS[rows.track].level == "frame":
        yield from _check_frames(rows, clip, frames, fill)
    _, first, counts = np.unique(rows.frames, return_index=True, return_counts=True)
    if (counts > 1).any():
        again = int(first[counts > 1][0])
        named = f"frame {rows.frames[again]}" if TRACKS[rows.track].level == "frame" else "the clip"
        what = f"{named} stands {counts.max()} times in the {rows.track} sample"
        yield Problem("warning", "sample rows", rows.line(again), what, "it is written as often", clip)


def _check_frames(rows: Asked, clip: str, frames: int, fill: str) -> Iterator[Problem]:
    beyond = np.flatnonzero(rows.frames > frames)
    far = np.flatnonzero(rows.frames > frames + TOLERANCE)
    what = f"the {rows.track} sample asks for frame {rows.frames.max()}, the clip has {frames} frames"
    if len(far):
        yield _lacking(rows, clip, int(far[0]), len(far), what, fill)
    elif len(beyond):
        then = f"{count(len(beyond), 'row')} past the end: the last frame is taken, and the provenance file counts them"
        yield Problem("note", "sample rows", rows.line(int(beyond[0])), what, then, clip)
    elif len(rows.frames) == rows.frames.max() < frames:
        what = f"{count(len(rows.frames), 'row')} in the {rows.track} sample for {frames} frames"
        yield Problem("note", "sample rows", rows.line(-1), what, "no other rows are written", clip)


def check_left_out(rows: Asked, clip: str, fill: str) -> Problem:
    """The sample asks for a clip that is left out."""
    what = f"the {rows.track} sample asks for {count(len(rows.frames), 'row')} of a clip that is left out"
    return _lacking(rows, clip, 0, len(rows.frames), what, fill)


def _lacking(rows: Asked, clip: str, place: int, lacking: int, what: str, fill: str) -> Problem:
    then = f"{count(lacking, 'row')} without a prediction, so no submission is written (submission.fill is 'refuse')"
    if fill != "refuse":
        then = f"{count(lacking, 'row')} filled (submission.fill is '{fill}')"
    return Problem("error", "sample rows", rows.line(place), what, then, clip)
