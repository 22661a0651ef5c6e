"""Recordings and crop folders with known content, made for tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import av
import cv2
import h5py
import numpy as np

from abaw_pipeline.runtime.keys import array_digest, digest, file_digest
from abaw_pipeline.types import Clip

SHARED = Path(__file__).parents[2] / "shared"
CLIPS, YUNET = SHARED / "clips", SHARED / "models" / "yunet_n_640_640.onnx"
TICKS = 90_000
"""Pictures' timestamps are whole multiples of 1 / TICKS s."""


def write_clip(
    path: Path,
    times: Sequence[float] | np.ndarray,
    pictures: Iterable[np.ndarray],
    sound: np.ndarray | None = None,
    rate: int = 16_000,
    sound_start: float = 0.0,
    **container: str,
) -> Path:
    """Write an H.264 recording with one RGB picture per time, and AAC mono sound; any length in constant memory.

    Args:
        times: when each picture is shown, in seconds, increasing (any spacing).
        pictures: uint8 ``(height, width, 3)``, even sizes.
        sound: float32 ``(n,)`` in [-1, 1], or None for no sound stream.
        rate: sampling rate of ``sound`` in Hz.
        sound_start: time of its first sample in seconds.
        container: options of the container, as ``movflags="faststart"``.
    """
    rest = iter(pictures)
    first = next(rest)
    with av.open(str(path), "w", options=container) as file:
        video = file.add_stream("libx264", rate=30, options={"preset": "ultrafast", "crf": "18"})
        video.pix_fmt, video.time_base = "yuv420p", Fraction(1, TICKS)
        video.codec_context.time_base = Fraction(1, TICKS)
        video.height, video.width = first.shape[:2]
        audio = None if sound is None else file.add_stream("aac", rate=rate, layout="mono")
        waiting = _sound_frames(sound, rate, sound_start)
        held = next(waiting, None)
        for time, picture in zip(times, chain([first], rest), strict=True):
            while audio is not None and held is not None and held.time <= time:
                file.mux(audio.encode(held))
                held = next(waiting, None)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(time * TICKS), Fraction(1, TICKS)
            file.mux(video.encode(frame))
        file.mux(video.encode())
        while audio is not None and held is not None:
            file.mux(audio.encode(held))
            held = next(waiting, None)
        if audio is not None:
            file.mux(audio.encode())
    return path


def _sound_frames(sound: np.ndarray | None, rate: int, start: float) -> Iterator[av.AudioFrame]:
    for first in range(0, 0 if sound is None else len(sound), 1024):
        piece = np.ascontiguousarray(sound[None, first : first + 1024], np.float32)  # type: ignore[index]
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), round(start * rate) + first
        yield frame


def write_coded(path: Path, codec: str, between: int, pictures: Iterable[np.ndarray]) -> Path:
    """Write 64x64 RGB pictures at 25 Hz without sound, with up to ``between`` pictures coded from both neighbours."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=25, width=64, height=64, pix_fmt="yuv420p")
        stream.codec_context.max_b_frames = between
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = index
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def steady(rate: float, seconds: float) -> np.ndarray:
    """Times of a constant frame rate."""
    return np.arange(round(seconds * rate)) / rate


def uneven(rate: float, seconds: float, seed: int = 0) -> np.ndarray:
    """Times of a variable frame rate: steps between half and one and a half of the mean step."""
    steps = np.random.default_rng(seed).uniform(0.5, 1.5, round(seconds * rate)) / rate
    return np.round((np.cumsum(steps) - steps[0]) * TICKS) / TICKS


def flashes(frames: int, at: Sequence[int], size: int = 64) -> Iterator[np.ndarray]:
    """Dark grey pictures, white at the frames ``at`` (indices from 0)."""
    for index in range(frames):
        yield np.full((size, size, 3), 255 if index in at else 40, np.uint8)


def clicks(seconds: float, at: Sequence[float], rate: int = 16_000, sound_start: float = 0.0) -> np.ndarray:
    """Silence with a click of 2 ms that begins at each of the times ``at`` (on the recording's time line)."""
    sound = np.zeros(round(seconds * rate), np.float32)
    for time in at:
        first = round((time - sound_start) * rate)
        sound[first : first + rate // 500] = 0.9
    return sound


def tone(seconds: float, rate: int = 16_000, pitch: float = 440.0) -> np.ndarray:
    """A sine of half amplitude."""
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@cache
def portrait() -> np.ndarray:
    """A face, RGB 256x256 (public domain, carried by scikit-image)."""
    from skimage import data

    return data.astronaut()[:256, 96:352].copy()


def scene(width: int, height: int, *faces: tuple[int, int, int]) -> np.ndarray:
    """A grey picture with the portrait at each (left, top, side)."""
    picture = np.full((height, width, 3), 110, np.uint8)
    for left, top, side in faces:
        picture[top : top + side, left : left + side] = cv2.resize(portrait(), (side, side))
    return picture


def write_crops(folder: Path, numbers: Iterable[int], side: int = 112) -> Path:
    """A crop folder; every crop is another shade, so that they cannot be mixed up."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        cv2.imwrite(str(folder / f"{number:05d}.jpg"), np.full((side, side, 3), number * 37 % 256, np.uint8))
    return folder


def clip_of(
    name: str, video: Path | None = None, crops: Path | None = None, rate: float | None = None, side: str | None = None
) -> Clip:
    """A clip with the digest of its content."""
    parts = [video] if video else []
    parts += sorted(crops.iterdir()) if crops else []
    content = digest([[part.name, file_digest(part)] for part in parts])
    place = {"video": str(video) if video else None, "crops": str(crops) if crops else None}
    return Clip(id=name, recording=name, rate=rate, side=side, digest=content, **place)


def write_media(path: Path, arrays: dict[str, np.ndarray], **attributes: Any) -> None:
    """One file of a clip's media, as the media stage writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
        file.attrs.update({"key": "k", "content": array_digest(*arrays.values()), **attributes})
