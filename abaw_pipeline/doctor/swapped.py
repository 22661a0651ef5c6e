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

_HEIGHT = 120
"""Pixels to which a picture is shrunk for the search."""
_SIZES = np.geomspace(0.15, 0.95, 24)
"""Sides of a crop looked for, as shares of the picture's height."""
_CORE = 0.7
"""Share of the crop that is looked for: its borders may lie outside of the picture."""
_LOOKS = 3
_FOUND, _BETTER = 0.1, 1.4
"""Greatest mean difference at which a crop counts as found in the other half, and how many times greater its own half's
must be. On the built-in corpus a crop differs from its own half by 0.01, and 1.7 to 7 times as much from the other."""


def check_swapped(clip: Clip, seen: Measured) -> Iterator[Problem]:
    """Decodes up to three pictures of a clip that has a side, a recording and crops; of others none."""
    differences = []
    for own, other in _looks(clip, seen):
        if own * _BETTER < other:  # no doubt, no further look
            return
        differences.append((own, other))
    if not differences:
        return
    own, other = np.mean(differences, axis=0)
    if other < _FOUND and other * _BETTER < own:
        side = "right" if clip.side == "left" else "left"
        what = f"its crops show the face on the {side} (difference {other:.3f}, on the {clip.side} {own:.3f})"
        then = "they are used with the labels of the other person; swap the two people's crop folders"
        yield Problem("error", "swapped sides", str(clip.crops), what, then, clip.id)


def _looks(clip: Clip, seen: Measured) -> Iterator[tuple[float, float]]:
    """How much crops differ from their own half of the picture, and from the other, for a few of them."""
    if clip.side is None or clip.video is None or clip.crops is None or seen.crops is None:
        return
    usable, files = seen.crops[seen.crops <= seen.frames], list_crops(clip.crops)
    places = np.linspace(0, len(usable) - 1, _LOOKS + 2).round().astype(int)[1:-1]
    for number in usable[np.unique(places)] if len(usable) else ():
        crop = cv2.imread(str(Path(clip.crops) / files[int(number)]))
        picture = picture_at(clip.video, float(seen.times[number - 1]))
        if crop is not None and picture is not None:
            left, right = halves(picture, crop)
            yield (left, right) if clip.side == "left" else (right, left)


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
    """How much a face differs from what is most like it in the left and in the right half of a picture.

    Of all places and sizes the least sum of squared differences counts, over the geometric mean of both energies.

    Args:
        picture: BGR ``(H, W, 3)`` uint8. crop: the same, of any size.
    """
    width = max(8, round(picture.shape[1] * _HEIGHT / picture.shape[0]))
    small = cv2.resize(picture, (width, _HEIGHT), interpolation=cv2.INTER_AREA)
    high, wide = (round(side * (1 - _CORE) / 2) for side in crop.shape[:2])
    core = crop[high : crop.shape[0] - high, wide : crop.shape[1] - wide]
    best = np.full(2, np.inf)
    for share in _SIZES:
        size = round(share * _CORE * _HEIGHT)
        if size > width // 2:
            break
        face = cv2.resize(core, (size, size), interpolation=cv2.INTER_AREA)
        found = cv2.matchTemplate(small, face, cv2.TM_SQDIFF_NORMED)
        middle = max(1, width // 2 - size // 2)  # of the first column whose match lies right of the middle
        best = np.minimum(best, [found[:, :middle].min(), found[:, middle:].min()])
    return float(best[0]), float(best[1])
