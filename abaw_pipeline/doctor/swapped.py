"""Whether the crops of one of two people show the other: each crop is looked for in both halves of its picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from abaw_pipeline.datasets.container import opened, picture_stream, seconds
from abaw_pipeline.doctor.measured import Measured
from abaw_pipeline.doctor.problems import Problem
from abaw_pipeline.media.crop_files import list_crops
from abaw_pipeline.media.decode import upright
from abaw_pipeline.types import Clip

_HEIGHT = 180
"""Pixels to which a picture is shrunk for the search."""
_SIZES = np.geomspace(0.15, 0.95, 24)
"""Sides of a crop looked for, as shares of the picture's height."""
_CORE = 0.7
"""Share of the crop that is looked for: its borders may lie outside of the picture."""
_LOOKS = 3
_SURE, _MARGIN = 0.6, 0.1
"""Least mean correlation with the other half, and how much more it must be than that with its own."""


def check_swapped(clip: Clip, seen: Measured) -> Iterator[Problem]:
    """Decodes up to three pictures of a clip that has a side, a recording and crops; of others none."""
    if clip.side is None or clip.video is None or clip.crops is None or seen.crops is None:
        return
    usable = seen.crops[seen.crops <= seen.frames]
    if not len(usable):
        return
    files = list_crops(clip.crops)
    chosen = usable[np.unique(np.linspace(0, len(usable) - 1, _LOOKS + 2).round().astype(int)[1:-1])]
    scores = []
    for number in chosen:
        crop = cv2.imread(str(Path(clip.crops) / files[int(number)]), cv2.IMREAD_GRAYSCALE)
        picture = picture_at(clip.video, float(seen.times[number - 1]))
        if crop is not None and picture is not None:
            scores.append(halves(picture, crop))
    if not scores:
        return
    left, right = np.mean(scores, axis=0)
    own, other = (left, right) if clip.side == "left" else (right, left)
    if other > _SURE and other > own + _MARGIN:
        side = "right" if clip.side == "left" else "left"
        what = f"its crops look like the face on the {side} (correlation {other:.2f}, on the {clip.side} {own:.2f})"
        then = "they are used with the labels of the other person; swap the two people's crop folders"
        yield Problem("error", "swapped sides", clip.crops, what, then, clip.id)


def picture_at(video: str, time: float) -> np.ndarray | None:
    """The picture shown from ``time`` (seconds) on, BGR ``(H, W, 3)`` uint8; ``None`` where none can be decoded."""
    try:
        with opened(video) as container:
            stream = picture_stream(container)
            if stream is None or stream.time_base is None:
                return None
            container.seek(int(time / stream.time_base), stream=stream)
            for frame in container.decode(stream):
                shown = seconds(frame.pts, frame.time_base)
                if shown is None or shown > time - 0.001:
                    return upright(frame, VideoReformatter())
    except (ValueError, av.error.FFmpegError):  # the clip's own check says what is wrong with its recording
        return None
    return None


def halves(picture: np.ndarray, crop: np.ndarray) -> tuple[float, float]:
    """How well a face is found in the left and in the right half of a picture: best correlation, in [-1, 1].

    Args:
        picture: BGR ``(H, W, 3)`` uint8.
        crop: grey ``(h, w)`` uint8, of any size.
    """
    scale = _HEIGHT / picture.shape[0]
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    grey = cv2.resize(grey, (max(8, round(grey.shape[1] * scale)), _HEIGHT), interpolation=cv2.INTER_AREA)
    border = [round(side * (1 - _CORE) / 2) for side in crop.shape]
    core = crop[border[0] : crop.shape[0] - border[0], border[1] : crop.shape[1] - border[1]]
    best = np.full(2, -1.0)
    for share in _SIZES:
        size = round(share * _CORE * _HEIGHT)
        if size > grey.shape[1] // 2:
            break
        found = cv2.matchTemplate(
            grey, cv2.resize(core, (size, size), interpolation=cv2.INTER_AREA), cv2.TM_CCOEFF_NORMED
        )
        middle = max(1, grey.shape[1] // 2 - size // 2)  # of the first column whose match lies right of the middle
        best = np.maximum(best, [found[:, :middle].max(), found[:, middle:].max()])
    return float(best[0]), float(best[1])
