"""The zip that is sent: the submission file, or one file per video as earlier editions took it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from abaw_pipeline.runtime.files import atomic
from abaw_pipeline.tracks import Track


def zip_path(submission: Path) -> Path:
    """``va.zip`` beside ``va.txt``."""
    return submission.with_suffix(".zip")


def has_files_per_video(track: Track) -> bool:
    """Whether earlier editions took the track as one file per video: one task, a row per frame."""
    return len(track.tasks) == 1 and track.level == "frame"


def video_rows(rows: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """Places in the sample of each video's rows, frame 1 first: a file per video knows a frame by its line alone.

    Raises:
        ValueError: the sample leaves out frames, or a video's name is no name of a file.
    """
    frames: dict[str, dict[int, int]] = {}
    for place, (clip, frame) in enumerate(rows):
        frames.setdefault(clip, {})[frame] = place
    for clip, places in frames.items():
        if max(places) != len(places):
            first = next(number for number in range(1, max(places)) if number not in places)
            raise ValueError(
                f"one file per video needs every frame of a video, and the sample does not ask for {clip}/{first:05d}; "
                "set submission.per_video to false"
            )
        if clip.startswith("/") or ".." in PurePosixPath(clip).parts:
            raise ValueError(f"the sample's video '{clip}' cannot name a file")
    return {clip: [places[number] for number in sorted(places)] for clip, places in frames.items()}


def video_files(track: Track, rows: Iterable[tuple[str, int]], texts: Sequence[str]) -> dict[str, str]:
    """Content by name of one file per video; ``texts`` are the values of each row of the sample."""
    header = track.parts[0].header
    return {
        f"{track.name}_per_video/{clip}.txt": "\n".join([header, *(texts[place] for place in places)]) + "\n"
        for clip, places in video_rows(rows).items()
    }


def write_zip(path: Path, files: Mapping[str, str | bytes]) -> None:
    """A zip of these contents by name; equal contents give equal bytes (entries carry no time)."""
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
