"""The picture clock of a clip: from decoded pictures; else, at the stated rate, from crop numbers or over the sound."""

from __future__ import annotations

import json
from array import array
from pathlib import Path

import numpy as np

from abaw_pipeline.datasets.probe import probe
from abaw_pipeline.media.crop_files import list_crops
from abaw_pipeline.media.decode import has_pictures, pictures
from abaw_pipeline.runtime.code import library_text
from abaw_pipeline.runtime.files import atomic
from abaw_pipeline.runtime.hdf5 import Hdf5Writer
from abaw_pipeline.runtime.keys import array_digest
from abaw_pipeline.types import Clip, Clock


def write_clock(clip: Clip, max_error_share: float, path: Path, key: str) -> None:
    """Write ``times`` ``(n_frames,)`` float64, seconds on the recording's time line.

    Raises:
        ValueError: see ``clock_of``.
    """
    notes: list[str] = []
    times = clock_of(clip, max_error_share, notes).times
    with atomic(path) as temporary, Hdf5Writer(temporary) as file:
        file["times"] = times
        file.attrs.update(key=key, content=array_digest(times), notes=json.dumps(notes))
        file.attrs["libraries"] = library_text("media.clock")


def clock_of(clip: Clip, max_error_share: float, notes: list[str]) -> Clock:
    """The clock of a clip.

    Without a recording of pictures, the highest crop number is the number of frames, and frame ``i`` (from 0) is
    shown at ``i / clip.rate`` seconds. Where there is sound alone, such frames begin and end with it.

    Raises:
        ValueError: a bad recording (see ``decode.pictures``); no recording and no crops; or no rate where it is needed.
    """
    if clip.video and has_pictures(clip.video):
        return Clock(np.array(array("d", (time for time, _ in pictures(clip.video, max_error_share, notes)))))
    if clip.crops is not None:
        return _over_crops(clip.crops, clip.rate)
    if clip.video is None:
        raise ValueError("neither a recording nor face crops")
    return _over_sound(clip.video, clip.rate, notes)


def _over_crops(folder: str, rate: float | None) -> Clock:
    files = list_crops(folder)
    if not files:
        raise ValueError(f"{folder}: no recording, and no numbered crop to count frames by")
    if not rate:
        raise ValueError(f"{folder}: no recording, and no frame rate is known; state one for this clip")
    return Clock(np.arange(max(files)) / rate)


def _over_sound(path: str, rate: float | None, notes: list[str]) -> Clock:
    """Frames without pictures from the first moment of the sound to its last; at least one."""
    found = probe(path)
    if not found.has_sound:
        raise ValueError(f"{path}: no picture stream, and no sound")
    if not rate:
        raise ValueError(f"{path}: no picture stream, and no frame rate is known; state one for this clip")
    notes.append(f"a recording of sound alone: {rate:g} frames a second are laid over it")
    return Clock(found.sound_start_s + np.arange(max(1, round(found.sound_s * rate))) / rate)
