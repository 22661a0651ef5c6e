"""Face crops from a raw recording: detect, follow the person, align, pack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from av.video.reformatter import VideoReformatter

from abaw_pipeline.media.align import cut, from_box, from_landmarks
from abaw_pipeline.media.decode import has_pictures, pictures, upright
from abaw_pipeline.media.detect import Detector, Found, detect_shrunken
from abaw_pipeline.media.follow import Follower
from abaw_pipeline.media.jpeg import as_jpeg
from abaw_pipeline.media.pack import PictureWriter
from abaw_pipeline.media.settings import MediaSettings
from abaw_pipeline.runtime.files import atomic
from abaw_pipeline.types import Clip


def write_detected(clip: Clip, frames: int, settings: MediaSettings, detector: Detector, path: Path, key: str) -> None:
    """Pack one aligned crop per frame of a clip's recording; a frame in which the person is not found has none.

    Where the recording is sound alone, no frame has one.

    Args:
        frames: number of frames of the clip's clock.

    Raises:
        ValueError: a bad recording, or one that does not decode to ``frames`` pictures.
    """
    if clip.video is None:
        raise ValueError("faces are to be detected, but there is no recording; set media.faces.source to 'auto'")
    faces, follower, reformatter = settings.faces, follower_of(clip, settings), VideoReformatter()
    notes: list[str] = []
    with (
        atomic(path) as temporary,
        PictureWriter(temporary, key, "media.faces", notes, with_boxes=True, aligned=detector.aligned) as writer,
    ):
        if not has_pictures(clip.video):
            notes.append("a recording of sound alone: no frame has a face")
            for _ in range(frames):
                writer.add(None)
            return
        for time, frame in pictures(clip.video, settings.max_error_share, []):  # notes: the clock has them
            picture = upright(frame, reformatter)
            found = detect_shrunken(detector, picture, faces.detect_width)
            index = follower.step(found.boxes, time, picture.shape[1], picture.shape[0])
            if index is None:
                writer.add(None)
            else:
                writer.add(_crop(picture, found, index, faces.size, faces.quality), found.boxes[index])
        if len(writer) != frames:
            raise ValueError(f"{clip.video}: {frames} pictures at first, {len(writer)} the second time; is it damaged?")


def follower_of(clip: Clip, settings: MediaSettings) -> Follower:
    """The track of a clip's person: one of two people is looked for on its own side."""
    faces = settings.faces
    return Follower(clip.side or faces.choose, faces.min_overlap, faces.max_lost_s, own_half=clip.side is not None)


def _crop(picture: np.ndarray, found: Found, index: int, size: int, quality: int) -> bytes:
    """One face, aligned, as JPEG."""
    if found.landmarks is None:
        transform = from_box(found.boxes[index], size)
    else:
        transform = from_landmarks(found.landmarks[index], size)
    return as_jpeg(cut(picture, transform, size), quality)
