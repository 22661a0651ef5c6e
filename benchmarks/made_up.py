"""Made-up media for benchmarks: packed pictures and sound as the media stage writes them, of any length."""

from __future__ import annotations

from pathlib import Path

import cv2
import h5py
import numpy as np

from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.paths import Layout

RATE, FPS = 16_000, 30
SIZES = {"faces": (112, 112), "frames": (256, 456)}
"""Height and width of a packed picture, by the source that features name."""
DIFFERENT = 64
"""Pictures that differ; longer clips repeat them."""


def write_clip(layout: Layout, clip: str, frames: int = 1, source: str = "faces", seconds: float = 0.0) -> None:
    """All media of one clip: ``frames`` pictures of ``source``, and ``seconds`` of sound at its own clock's length."""
    times = np.arange(max(frames, round(seconds * FPS))) / FPS
    _write(layout.clock(clip), {"times": times})
    for kind, path in (("faces", layout.faces(clip)), ("frames", layout.frames(clip))):
        if kind == source:
            pictures = encoded(kind)
            _write_pictures(path, [pictures[index % DIFFERENT] for index in range(len(times))])
        elif kind == "faces":
            _write_pictures(path, [b""] * len(times))
    _write_sound(layout.sound(clip), round(seconds * RATE))


def encoded(kind: str) -> list[bytes]:
    """JPEG pictures, blotched and grained as faces are to a codec (4 to 5 kB at 112 pixels)."""
    rng, (height, width) = np.random.default_rng(0), SIZES[kind]
    found = []
    for _ in range(DIFFERENT):
        coarse = rng.integers(0, 256, (height // 14, width // 14, 3), np.uint8)
        picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        picture += rng.normal(0, 4, picture.shape)
        found.append(cv2.imencode(".jpg", picture.clip(0, 255).astype(np.uint8))[1].tobytes())
    return found


def noise(count: int) -> np.ndarray:
    """``(count,)`` float32: a voice's pitch that wavers, under noise."""
    time = np.arange(count) / RATE
    tone = np.sin(2 * np.pi * (180 * time + 2 * np.sin(3 * time)))
    return (0.3 * tone + 0.02 * np.random.default_rng(0).standard_normal(count)).astype(np.float32)


def _write_pictures(path: Path, pictures: list[bytes]) -> None:
    offsets = np.cumsum([0, *map(len, pictures)])
    packed = np.frombuffer(b"".join(pictures), np.uint8)
    _write(path, {"jpeg": packed, "offsets": offsets, "valid": np.diff(offsets) > 0}, aligned="box")


def _write_sound(path: Path, count: int) -> None:
    """Ten seconds, repeated: long sound is not held in memory."""
    heard = np.array([[0, count]] if count else np.empty((0, 2)), np.int64)
    _write(path, {"heard": heard}, start_s=0.0, present=count > 0)
    piece = noise(10 * RATE)
    with h5py.File(path, "r+") as file:
        samples = file.create_dataset("samples", (count,), "f4", maxshape=(None,), chunks=(1 << 16,))
        for first in range(0, count, len(piece)):
            last = min(first + len(piece), count)
            samples[first:last] = piece[: last - first]


def _write(path: Path, arrays: dict[str, np.ndarray], **attributes: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
        file.attrs.update({"key": "made up", "content": digest(str(path)), "notes": "[]", **attributes})
