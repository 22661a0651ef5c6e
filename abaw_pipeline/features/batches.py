"""Batches of pictures that are filled across the borders of clips, and the way back from a batch to rows of clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from abaw_pipeline.features.base import FrameExtractor
from abaw_pipeline.features.compute import Embedder
from abaw_pipeline.types import FrameTable

if TYPE_CHECKING:  # how rows are handed on decides no value
    from abaw_pipeline.features.writer import Made

FRAMES = 1024
"""Rows given out at once, at most."""


class Pictures(Protocol):
    """The pictures of one clip, in an open file (``media.store.Faces``)."""

    @property
    def valid(self) -> np.ndarray:
        """``(n_frames,)`` bool: which frames have a picture."""

    def picture(self, index: int) -> np.ndarray:
        """RGB ``(H, W, 3)`` uint8; called from several threads."""

    def close(self) -> None: ...


class Clip:
    """One clip on its way through the network."""

    def __init__(self, name: str, pictures: Pictures | None, error: ValueError | None = None) -> None:
        self.name, self.pictures, self.ended = name, pictures, False
        self.valid = np.empty(0, bool) if pictures is None else np.asarray(pictures.valid, bool)
        self.error = error
        self._next = 0

    def rows(self, part: Part, features: np.ndarray) -> Iterator[Made]:
        """The frames up to the last one of ``part``, or of the clip."""
        error = part.error or self.error
        if not self.ended and error is not None:
            self.ended = True
            yield self.name, len(self.valid), error
        until = len(self.valid) if part.last else int(part.rows[-1]) + 1
        for first in () if self.ended else range(self._next, until, FRAMES):
            last = min(first + FRAMES, until)
            table = FrameTable(np.zeros((last - first, features.shape[1]), np.float32), self.valid[first:last])
            begin, end = np.searchsorted(part.rows, (first, last))
            table.values[part.rows[begin:end] - first] = features[begin:end]
            yield self.name, len(self.valid), table
        self._next = until


@dataclass
class Part:
    """What one batch holds of one clip: some of its frames, or none where the clip is at its end."""

    clip: Clip
    rows: np.ndarray
    last: bool
    error: ValueError | None = None
    count: int = 0
    """Pictures of it that are in the batch: all, or none after an error."""


class Batches:
    """Batches of ``size`` pictures, except the last."""

    def __init__(self, clips: Iterable[str], opened: Callable[[str], Pictures], size: int) -> None:
        self._clips, self._opened, self._size = clips, opened, size
        self.open: list[Clip] = []
        """Clips that have pictures to read."""

    def __iter__(self) -> Iterator[list[Part]]:
        batch: list[Part] = []
        room = self._size
        for name in self._clips:
            clip = self._clip(name)
            rows, first, last = np.flatnonzero(clip.valid), 0, False
            while not last:
                part = rows[:0] if clip.ended else rows[first : first + room]
                first, room = first + len(part), room - len(part)
                last = clip.ended or first == len(rows)
                batch.append(Part(clip, part, last))
                if room == 0:
                    yield batch
                    batch, room = [], self._size
        if batch:
            yield batch

    def _clip(self, name: str) -> Clip:
        try:
            clip = Clip(name, self._opened(name))
        except ValueError as error:
            return Clip(name, None, error)
        self.open.append(clip)
        return clip

    def close(self, *clips: Clip | None) -> None:
        """Close what is open of ``clips``."""
        for clip in clips:
            if clip in self.open and clip.pictures is not None:
                clip.pictures.close()
                self.open.remove(clip)


def prepare(extractor: FrameExtractor, embedder: Embedder, batch: list[Part]) -> torch.Tensor | None:
    """The inputs ``(B, C, h, w)`` of all pictures that can be read; ``None`` without any."""
    inputs: torch.Tensor | None = None
    count, most = 0, sum(len(part.rows) for part in batch)
    for part in batch:
        try:
            for number, row in enumerate(part.rows if not part.clip.ended else ()):
                one = extractor.prepare(part.clip.pictures.picture(int(row)))  # type: ignore[union-attr]
                inputs = embedder.empty(most, one) if inputs is None else inputs
                inputs.numpy()[count + number] = one
                part.count = number + 1
        except ValueError as error:
            part.error, part.count = error, 0
        count += part.count
    return inputs[:count] if inputs is not None and count else None
