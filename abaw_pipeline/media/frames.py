"""Whole pictures of a raw recording: shrink, pack.

The recording is decoded once more than for the clock and for detected faces, so that a change of one of them never
makes another again. Decoding costs 1 to 3 ms a picture, detecting a face 25 to 50 (Haar, one core).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from abaw_pipeline.media.decode import has_pictures, pictures, upright
from abaw_pipeline.media.jpeg import as_jpeg
from abaw_pipeline.media.pack import PictureWriter
from abaw_pipeline.media.settings import FrameSettings
from abaw_pipeline.runtime.files import atomic


def write_frames(
    video: str | None, frames: int, settings: FrameSettings, max_error_share: float, path: Path, key: str
) -> None:
    """Pack one picture per frame of a clip's recording; without a recording of pictures no frame has one.

    Args:
        frames: number of frames of the clip's clock.

    Raises:
        ValueError: a bad recording, or one that does not decode to ``frames`` pictures.
    """
    notes: list[str] = []
    with atomic(path) as temporary, PictureWriter(temporary, key, "media.frames", notes) as writer:
        if video is None or not has_pictures(video):
            notes.append("no recording of pictures: there are no whole pictures, only face crops")
            for _ in range(frames):
                writer.add(None)
            return
        reformatter = VideoReformatter()
        for _, frame in pictures(video, max_error_share, []):  # notes: the clock has them
            writer.add(as_jpeg(shrunk(upright(frame, reformatter), settings.size), settings.quality))
        if len(writer) != frames:
            raise ValueError(f"{video}: {frames} pictures at first, {len(writer)} the second time; is it damaged?")


def shrunk(picture: np.ndarray, size: int) -> np.ndarray:
    """The picture ``(H, W, 3)`` with its shorter side at ``size`` pixels, by area means; a smaller one as it is."""
    height, width = picture.shape[:2]
    shorter = min(height, width)
    if shorter <= size:
        return picture
    scaled = (round(width * size / shorter), round(height * size / shorter))
    return cv2.resize(picture, scaled, interpolation=cv2.INTER_AREA)
