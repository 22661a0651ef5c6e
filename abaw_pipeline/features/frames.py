"""Face crops through a network: pictures are decoded and prepared in threads while the network computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch

from abaw_pipeline.features.base import FrameExtractor
from abaw_pipeline.types import FrameTable

WORKERS = 4
"""Threads that decode and prepare, one batch each."""
AHEAD = 6
"""Most batches that wait for the network: bounds memory, whatever the length of a clip."""
CPU_BATCH = 8
"""Largest batch on a CPU: what stays in its cache runs up to twice as fast as batches of 32."""


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
    with torch.inference_mode():
        for batch, inputs in _prepared(extractor, pictures, batches):
            output = extractor.embed(torch.from_numpy(inputs).to(device)).float().cpu().numpy()
            if output.shape != (len(batch), dimension):
                raise ValueError(f"the network gives {output.shape}, its spec says {(len(batch), dimension)}")
            values[batch] = output
    return FrameTable(values, valid)


def _prepared(
    extractor: FrameExtractor, pictures: Pictures, batches: Sequence[np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Every batch of rows with its network input ``(B, C, h, w)``, in order, at most ``AHEAD`` of them at a time."""

    def prepare(rows: np.ndarray) -> np.ndarray:
        return np.stack([extractor.prepare(pictures.picture(int(row))) for row in rows])

    waiting: deque[tuple[np.ndarray, Future[np.ndarray]]] = deque()
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="prepare")
    try:
        for rows in batches:
            waiting.append((rows, pool.submit(prepare, rows)))
            if len(waiting) == AHEAD:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)  # an error must not leave threads on a file that is being closed
