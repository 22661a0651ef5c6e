"""Face crops through a network: pictures are decoded and prepared in threads while the network computes.

On a CPU the network runs in these threads too, one batch each: that loses nothing to waiting between the many small
layers, and a busy machine slows it only by its share.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

import numpy as np
import torch

from abaw_pipeline.features.base import FrameExtractor
from abaw_pipeline.types import FrameTable

WORKERS = 4
"""Threads that decode and prepare for a GPU, one batch each."""
AHEAD = 6
"""Batches that wait or are done, beyond one a thread: bounds memory, whatever the length of a clip."""
CPU_BATCH = 8
"""Largest batch on a CPU: what stays in its cache runs up to twice as fast as batches of 32."""

T = TypeVar("T")


class Pictures(Protocol):
    """The face crops of one clip (``media.store.Faces``)."""

    @property
    def valid(self) -> np.ndarray:
        """``(n_frames,)`` bool: which frames have a crop."""

    def picture(self, index: int) -> np.ndarray:
        """RGB ``(H, W, 3)`` uint8; called from several threads."""


def embed_frames(
    extractor: FrameExtractor, pictures: Pictures, dimension: int, device: torch.device, batch_size: int
) -> FrameTable:
    """One row per frame; a frame without a face is a zero row with ``valid`` false.

    Raises:
        ValueError: the network's output is not ``(B, dimension)``, or a crop cannot be decoded.
    """
    valid = np.asarray(pictures.valid, bool)
    values = np.zeros((len(valid), dimension), np.float32)
    rows = np.flatnonzero(valid)
    if device.type == "cpu":
        batch_size = min(batch_size, CPU_BATCH)
    batches = [rows[first : first + batch_size] for first in range(0, len(rows), batch_size)]
    for batch, output in _embedded(extractor, pictures, batches, device):
        if output.shape != (len(batch), dimension):
            raise ValueError(f"the network gives {output.shape}, its spec says {(len(batch), dimension)}")
        values[batch] = output
    return FrameTable(values, valid)


def _embedded(
    extractor: FrameExtractor, pictures: Pictures, batches: Sequence[np.ndarray], device: torch.device
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Every batch of rows with its features ``(B, D)``, in order."""

    def prepare(rows: np.ndarray) -> np.ndarray:
        return np.stack([extractor.prepare(pictures.picture(int(row))) for row in rows])

    def embed(inputs: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return extractor.embed(torch.from_numpy(inputs).to(device)).float().cpu().numpy()

    if device.type == "cpu":
        yield from _in_threads(lambda rows: embed(prepare(rows)), batches, torch.get_num_threads())
    else:
        for batch, inputs in _in_threads(prepare, batches, WORKERS):
            yield batch, embed(inputs)


def _in_threads(
    work: Callable[[np.ndarray], T], batches: Sequence[np.ndarray], threads: int
) -> Iterator[tuple[np.ndarray, T]]:
    """``work`` on every batch, in order, at most ``AHEAD`` batches more than there are threads at a time."""
    waiting: deque[tuple[np.ndarray, Future[T]]] = deque()
    pool = ThreadPoolExecutor(threads, "frames", initializer=torch.set_num_threads, initargs=(1,))
    try:
        for rows in batches:
            waiting.append((rows, pool.submit(work, rows)))
            if len(waiting) == AHEAD + threads:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)  # an error must not leave threads on a file that is being closed
