"""Recordings on disk: H.264 pictures and AAC sound in MP4; sound alone in WAV."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from scipy.io import wavfile

# With more threads or its macroblock tree, x264 now and then writes other bytes for the same pictures.
_H264 = {"preset": "veryfast", "crf": "21", "threads": "1", "x264-params": "mbtree=0"}


def write_video(
    path: Path,
    pictures: Iterable[np.ndarray],
    size: tuple[int, int],
    rate: Fraction,
    sound: np.ndarray | None,
    sample_rate: int,
) -> None:
    """Write BGR pictures at ``rate`` Hz and mono sound; both begin at time 0 and end when they end.

    Args:
        pictures: uint8 ``(height, width, 3)`` each.
        size: width and height in pixels, even.
        sound: float32 ``(n,)`` in [-1, 1], or None for a file without a sound stream.
    """
    with av.open(str(path), "w") as file:
        eyes = file.add_stream("libx264", rate=rate, options=_H264)
        eyes.width, eyes.height = size
        eyes.pix_fmt, eyes.time_base = "yuv420p", 1 / rate
        ears = None if sound is None else file.add_stream("aac", rate=sample_rate, layout="mono")
        heard = 0
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = number, 1 / rate
            file.mux(eyes.encode(frame))
            if ears is not None and sound is not None:
                until = int((number + 1) / rate * sample_rate)
                file.mux(_encode(ears, sound[heard:until], heard, sample_rate))
                heard = until
        file.mux(eyes.encode())
        if ears is not None and sound is not None:
            file.mux(_encode(ears, sound[heard:], heard, sample_rate))
            file.mux(ears.encode())


def _encode(ears: av.AudioStream, samples: np.ndarray, start: int, sample_rate: int) -> list[av.Packet]:
    if not len(samples):
        return []
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = sample_rate, start, Fraction(1, sample_rate)
    return list(ears.encode(frame))


def write_sound(path: Path, sound: np.ndarray, sample_rate: int) -> None:
    """Write mono sound, float32 ``(n,)`` in [-1, 1], as 16 bit."""
    wavfile.write(path, sample_rate, (sound * 32_767).astype(np.int16))
