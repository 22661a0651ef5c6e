"""How networks compute, whichever extractor they belong to: precision, memory layout, form, compilation, short memory.

Two batches may be under way on a GPU: while one is computed, the next is launched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from abaw_pipeline.features.base import FrameExtractor
from abaw_pipeline.features.visual.pictures import standardised
from abaw_pipeline.networks.folding import fold_norms
from abaw_pipeline.networks.lean import take_lean_forms
from abaw_pipeline.runtime.progress import say

BLACK = (112, 112)
"""Height and width of the picture on which is seen how a network is connected."""


@contextmanager
def inference(device: torch.device, precision: str) -> Iterator[None]:
    """Networks run in the block without gradients, in ``float32`` or (autocast) ``bfloat16``. Holds for one thread."""
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        yield


class Embedder:
    """The network of a frame extractor, ready for batches.

    Args:
        extractor: loaded on ``device``. Its networks take a faster form here, of the same values and other keys.
        dimension: D, by its spec.
        precision: ``float32`` or ``bfloat16``.
        compiled: by ``torch.compile``, which takes a minute or more and pays on long runs.
    """

    def __init__(
        self, extractor: FrameExtractor, dimension: int, device: torch.device, precision: str, compiled: bool
    ) -> None:
        self.device, self.dimension, self._precision = device, dimension, precision
        self._copying = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._statistics = getattr(extractor, "statistics", None)
        for network in vars(extractor).values():
            if isinstance(network, nn.Module):
                fold_norms(network, lambda: self._of_a_black_picture(extractor))
                if device.type == "cpu" and not compiled:  # a compiler joins the steps of a network by itself
                    take_lean_forms(network)
                network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._embed = torch.compile(extractor.embed) if compiled else extractor.embed
        self._most: int | None = None
        """Pictures that fit at once, where a batch did not."""

    def _of_a_black_picture(self, extractor: FrameExtractor) -> torch.Tensor:
        picture = extractor.prepare(np.zeros((*BLACK, 3), np.uint8))
        return extractor.embed(self._inputs(torch.from_numpy(picture[None])))

    def empty(self, count: int, like: np.ndarray) -> torch.Tensor:
        """Memory for ``count`` prepared pictures like one, from which a GPU copies while it computes."""
        dtype = torch.uint8 if like.dtype == np.uint8 else torch.float32
        return torch.empty((count, *like.shape), dtype=dtype, pin_memory=self.device.type == "cuda")

    def launch(self, inputs: torch.Tensor) -> Callable[[], np.ndarray]:
        """Start on inputs ``(B, C, h, w)``; what is returned waits for the features, ``(B, D)`` float32.

        Raises:
            ValueError: the network's output is not ``(B, D)``.
        """
        pieces = self._within_memory(inputs)
        if self.device.type != "cuda":
            return lambda: torch.cat(pieces).numpy()
        host = torch.empty((len(inputs), self.dimension), pin_memory=True)
        host.copy_(torch.cat(pieces), non_blocking=True)
        done = torch.cuda.Event()
        done.record()

        def wait() -> np.ndarray:
            done.synchronize()
            return host.numpy()

        return wait

    def _within_memory(self, inputs: torch.Tensor) -> list[torch.Tensor]:
        """Features piece by piece; a piece that does not fit into the GPU's memory is halved, and so are later ones."""
        pieces: list[torch.Tensor] = []
        waiting = list(inputs.split(self._most or len(inputs)))
        while waiting:
            try:
                pieces.append(self._features(waiting[0]))
                waiting.pop(0)
                continue
            except torch.OutOfMemoryError:
                if len(waiting[0]) == 1:
                    raise
            self._halve(len(waiting[0]))
            waiting = [half for piece in waiting for half in piece.split(self._most or 1)]
        return pieces

    def _halve(self, size: int) -> None:
        self._most = (size + 1) // 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        say(f"{size} pictures at once do not fit into the device's memory: on with {self._most} (set a smaller batch)")

    def _on_device(self, inputs: torch.Tensor) -> torch.Tensor:
        """``inputs``, copied to a GPU while it computes the batch before."""
        if self._copying is None or inputs.is_cuda:
            return inputs
        with torch.cuda.stream(self._copying):
            batch = inputs.to(self.device, non_blocking=True)
        here = torch.cuda.current_stream(self.device)
        here.wait_stream(self._copying)
        batch.record_stream(here)
        return batch

    def _inputs(self, prepared: torch.Tensor) -> torch.Tensor:
        """What the network gets to see of prepared pictures: ``(B, C, h, w)`` on the device, channels last."""
        batch = self._on_device(prepared)
        if batch.dtype == torch.uint8 and self._statistics:
            return standardised(batch, self._statistics)
        return batch.contiguous(memory_format=torch.channels_last) if batch.ndim == 4 else batch

    def _features(self, inputs: torch.Tensor) -> torch.Tensor:
        with inference(self.device, self._precision):
            output = self._embed(self._inputs(inputs)).float()
        if output.shape != (len(inputs), self.dimension):
            wanted = (len(inputs), self.dimension)
            raise ValueError(f"the network gives {tuple(output.shape)}, its spec says {wanted}")
        return output
