"""Readers of what the media stage wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import cv2
import h5py
import numpy as np

from abaw_pipeline.media.parts import every_part
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.types import Clock


@dataclass(frozen=True)
class Sound:
    """The sound of one clip.

    Attributes:
        samples: ``(N,)`` float32 in [-1, 1], mono, 16 kHz; zeros in gaps.
        start_s: time of sample 0 in seconds, on the same time line as the picture clock.
        heard: ``(k, 2)`` int64, half-open intervals of samples that were recorded, ascending.
        present: whether there is any sound.
        content: digest of all this.
    """

    samples: np.ndarray
    start_s: float
    heard: np.ndarray
    present: bool
    content: str


def read_clock(layout: Layout, clip: str) -> Clock:
    """The picture clock of a clip; ``ValueError`` where it was not made yet or is damaged."""
    with _opened(layout.clock(clip), layout) as file:
        return Clock(file["times"][:])


def read_sound(layout: Layout, clip: str) -> Sound:
    """The sound of a clip; ``ValueError`` where it was not made yet or is damaged."""
    with opened_sound(layout, clip) as sound:
        return replace(sound, samples=sound.samples[:])


@contextmanager
def opened_sound(layout: Layout, clip: str) -> Iterator[Sound]:
    """The same with ``samples`` left on disk: slices of it are read, as arrays, while the block lasts."""
    with _opened(layout.sound(clip), layout) as file:
        about = file.attrs
        yield Sound(
            samples=file["samples"],
            start_s=float(about["start_s"]),
            heard=file["heard"][:],
            present=bool(about["present"]),
            content=str(about["content"]),
        )


class _Packed:
    """Pictures of a clip, one or none per frame, read one at a time from an open file; use as a context manager.

    ``picture`` may be called from several threads. Raises ``ValueError`` where they were not made yet.
    """

    kind: ClassVar[str]
    """What a frame may lack, in words."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path = path
        self._file = _opened(path, layout)
        self._bytes: h5py.Dataset = self._file["jpeg"]
        self._offsets: np.ndarray = self._file["offsets"][:]
        self.valid: np.ndarray = self._file["valid"][:]
        self.content = str(self._file.attrs["content"])

    def __len__(self) -> int:
        return len(self.valid)

    def encoded(self, index: int) -> bytes:
        """The encoded picture of frame ``index`` (from 0); empty where the frame has none."""
        return self._bytes[self._offsets[index] : self._offsets[index + 1]].tobytes()

    def picture(self, index: int) -> np.ndarray:
        """The picture of frame ``index`` (from 0), RGB ``(H, W, 3)`` uint8.

        Raises:
            ValueError: the frame has none.
        """
        if not self.valid[index]:
            raise ValueError(f"{self._path}: frame {index + 1} has no {self.kind}")
        picture = cv2.imdecode(np.frombuffer(self.encoded(index), np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            raise ValueError(f"{self._path}: the {self.kind} of frame {index + 1} cannot be decoded")
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Faces(_Packed):
    """The face crops of a clip."""

    kind = "face"

    def __init__(self, layout: Layout, clip: str) -> None:
        super().__init__(layout.faces(clip), layout)
        self.aligned = str(self._file.attrs["aligned"])

    def boxes(self) -> np.ndarray | None:
        """``(n, 4)`` float32 x, y, width, height in pixels of the recording, NaN without a face; None if official."""
        return self._file["boxes"][:] if "boxes" in self._file else None


class Pictures(_Packed):
    """The whole pictures of a clip, shrunk as ``media.frames`` says; a clip of mere crops has none."""

    kind = "whole picture"

    def __init__(self, layout: Layout, clip: str) -> None:
        super().__init__(layout.frames(clip), layout)


def key_of(path: Path) -> str | None:
    """The key that a media file was made with; None where it is missing or damaged, and so must be made."""
    try:
        with h5py.File(path, "r") as file:
            return str(file.attrs["key"])
    except (OSError, KeyError):
        return None


def contents_of(layout: Layout, clip: str) -> dict[str, str]:
    """Content digests of a clip's media by part; ``frames`` only where whole pictures were packed.

    Raises:
        ValueError: another part was not made yet.
    """
    parts = every_part(layout, clip)
    if not parts["frames"].is_file():
        del parts["frames"]
    found = {}
    for part, path in parts.items():
        with _opened(path, layout) as file:
            found[part] = str(file.attrs["content"])
    return found


def summary(layout: Layout, parts: Mapping[str, Path]) -> dict[str, Any]:
    """What the manifest says of a clip: digests, counts, and notes on what was tolerated.

    Args:
        parts: the clip's files, by part; clock, faces and sound are among them.
    """
    with ExitStack() as stack:
        files = {part: stack.enter_context(_opened(path, layout)) for part, path in parts.items()}
        frames, found = len(files["clock"]["times"]), int(np.count_nonzero(files["faces"]["valid"][:]))
        return {
            "contents": {part: str(file.attrs["content"]) for part, file in files.items()},
            "libraries": {part: str(file.attrs["libraries"]) for part, file in files.items()},
            "frames": frames,
            "faces": found,
            "face_share": round(found / frames, 4),
            "sound_s": round(len(files["sound"]["samples"]) / 16_000, 3),
            "aligned": str(files["faces"].attrs["aligned"]),
            "notes": [note for file in files.values() for note in json.loads(file.attrs["notes"])],
        }


def _opened(path: Path, layout: Layout) -> h5py.File:
    made_by = f"abaw media {layout.dataset}"
    try:
        return h5py.File(path, "r")
    except FileNotFoundError:
        raise ValueError(f"{path}: not there yet; make it with '{made_by}'") from None
    except OSError as error:
        raise ValueError(f"{path}: damaged ({error}); make it again with '{made_by}'") from None
