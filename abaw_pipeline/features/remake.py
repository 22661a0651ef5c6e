"""A feature's tables, computed anew from the media or files of its clips, a block of rows after the other."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from abaw_pipeline.features.align import align_blocks
from abaw_pipeline.features.base import Rows, Samples
from abaw_pipeline.features.plan import FeaturePlan
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.media.store import Faces, Pictures, opened_sound, read_clock
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.types import Clock, FrameTable

if TYPE_CHECKING:  # torch is imported where there is work
    import torch

    from abaw_pipeline.features import batches
    from abaw_pipeline.features.writer import Made

PICTURES: dict[str, Callable[[Layout, str], batches.Pictures]] = {"faces": Faces, "frames": Pictures}
"""What opens the pictures of a clip, by the source of a feature."""


class Remake:
    """An extractor with its network on a device.

    Args:
        device: gives the device to compute on; ``None``: the CPU.
        compiled: whether networks of pictures are compiled first.

    Raises:
        ValueError: the weights do not load or do not fit.
    """

    def __init__(
        self,
        plan: FeaturePlan,
        layout: Layout,
        device: Callable[[], torch.device] | None,
        batch_size: int = 32,
        compiled: bool = False,
    ) -> None:
        import torch

        from abaw_pipeline.runtime.device import precision

        self.plan, self.layout, self.batch_size, self.compiled = plan.on(layout), layout, batch_size, compiled
        self.device = device() if device else torch.device("cpu")
        self.precision = precision(plan.precision, self.device) if plan.spec.network else "float32"
        self.extractor = EXTRACTORS[plan.settings.extractor](self.plan.settings)
        self.extractor.load(self.device)

    def table(self, clip: str) -> FrameTable:
        """One clip's table; ``ValueError`` where it cannot be made."""
        tables = []
        for _, _, made in self.tables([clip]):
            if isinstance(made, ValueError):
                raise made
            tables.append(made)
        return FrameTable(np.concatenate([t.values for t in tables]), np.concatenate([t.valid for t in tables]))

    def tables(self, clips: Iterable[str]) -> Generator[Made, None, None]:
        """The rows of every clip, in order, block by block; what cannot be made of a clip ends it and no other."""
        if self.plan.spec.source in PICTURES:
            yield from self._pictures(clips)
            return
        for clip in clips:
            frames = 0
            try:
                clock = read_clock(self.layout, clip)
                frames = len(clock)
                for table in self._file(clip, clock) if self.plan.spec.source == "files" else self._sound(clip, clock):
                    yield clip, frames, table
            except ValueError as error:
                yield clip, frames, error

    def _pictures(self, clips: Iterable[str]) -> Iterator[Made]:
        from abaw_pipeline.features.compute import Embedder
        from abaw_pipeline.features.frames import embed_clips

        embedder = Embedder(self.extractor, self.plan.spec.dimension, self.device, self.precision, self.compiled)
        yield from embed_clips(self.extractor, embedder, clips, self._opened, self.batch_size)

    def _opened(self, clip: str) -> batches.Pictures:
        frames = len(read_clock(self.layout, clip))
        pictures = PICTURES[self.plan.spec.source](self.layout, clip)
        if len(pictures.valid) != frames:
            pictures.close()
            raise ValueError(f"{len(pictures.valid)} pictures for {frames} frames; make its media again")
        return pictures

    def _sound(self, clip: str, clock: Clock) -> Iterator[FrameTable]:
        spec = self.plan.spec
        with opened_sound(self.layout, clip) as sound:
            rows = self._described(sound.samples)
            yield from align_blocks(rows, spec.dimension, sound.start_s, sound.heard, spec.unit_s, clock)

    def _described(self, samples: Samples) -> Iterator[Rows]:
        from abaw_pipeline.features.compute import inference

        blocks = iter(self.extractor.describe(samples))
        while True:
            with inference(self.device, self.precision):  # not around the yield: what is done with a block is not in it
                block = next(blocks, None)
            if block is None:
                return
            yield block

    def _file(self, clip: str, clock: Clock) -> Iterator[FrameTable]:
        from abaw_pipeline.features.compute import inference

        with inference(self.device, self.precision):
            table = self.extractor.table(clip, clock)
        yield table
