"""The picture clock of a clip: from decoded pictures, from crop numbers and the stated rate, or a second a still."""

from __future__ import annotations

import json
from array import array
from pathlib import Path

import numpy as np

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
    shown at ``i / clip.rate`` seconds. Stills have no time: each stands for a second.

    Raises:
        ValueError: a bad recording (see ``decode.pictures``); or no recording and no crops or no rate.
    """
    if clip.stills:
        return Clock(np.arange(len(clip.stills), dtype=np.float64))
    if clip.video and (clip.crops is None or has_pictures(clip.video)):
        return Clock(np.array(array("d", (time for time, _ in pictures(clip.video, max_error_share, notes)))))
    if clip.crops is None:
        raise ValueError("neither a recording nor face crops")
    files = list_crops(clip.crops)
    if not files:
        raise ValueError(f"{clip.crops}: no recording, and no numbered crop to count frames by")
    if not clip.rate:
        raise ValueError(f"{clip.crops}: no recording, and no frame rate is known; state one for this clip")
    return Clock(np.arange(max(files)) / clip.rate)
