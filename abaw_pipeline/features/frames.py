"""Pictures of many clips through a network: decoded and prepared in threads while the network computes.

Batches are filled across the borders of clips, so that short clips cost no more than long ones. On a CPU the network
runs in the threads too, one batch each: that loses nothing to waiting between the many small layers, and a busy
machine slows it only by its share.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np
import torch

from abaw_pipeline.features.base import FrameExtractor
from abaw_pipeline.features.batches import Batches, Pictures, prepare
from abaw_pipeline.features.compute import Embedder

if TYPE_CHECKING:  # how rows are handed on decides no value
    from abaw_pipeline.features.writer import Made

WORKERS = 16
"""Threads that decode and prepare for a GPU, at most; fewer where the job has fewer."""
AHEAD = 2
"""Batches that wait or are done, beyond one a thread: bounds memory, whatever the length of a clip."""
IN_FLIGHT = 2
"""Batches on a GPU at a time: one computes, the next is launched."""
CPU_BATCH = 16
"""Largest batch on a CPU: more does not stay in its cache; of fewer, torch computes 1x1 convolutions a slower way."""

A = TypeVar("A")
B = TypeVar("B")


def embed_clips(
    extractor: FrameExtractor,
    embedder: Embedder,
    clips: Iterable[str],
    opened: Callable[[str], Pictures],
    batch_size: int,
) -> Generator[Made, None, None]:
    """All rows of all clips, in order; a frame without a picture is a zero row with ``valid`` false.

    An error of ``opened``, or of one picture, ends its clip and no other.

    Raises:
        ValueError: the network does not give what its spec says.
    """
    if embedder.device.type == "cpu":
        batch_size = min(batch_size, CPU_BATCH)
    batches, threads = Batches(clips, opened, batch_size), cv2.getNumThreads()
    cv2.setNumThreads(0)  # its own threads would wait for work beside ours, and take the cores for it
    try:
        for batch, features in embedded(partial(prepare, extractor, embedder), embedder, batches):
            at = 0
            for part in batch:
                yield from part.clip.rows(part, features[at : at + part.count])
                at += part.count
                batches.close(part.clip if part.last else None)
    finally:
        cv2.setNumThreads(threads)
        batches.close(*batches.open)


def embedded(
    prepared: Callable[[A], torch.Tensor | None], embedder: Embedder, batches: Iterable[A]
) -> Iterator[tuple[A, np.ndarray]]:
    """Every batch with the features ``(B, D)`` of its pictures, in order.

    Args:
        prepared: a batch to inputs ``(B, C, h, w)``, or ``None`` for no pictures; called in threads.
    """

    def launched(inputs: torch.Tensor | None) -> Callable[[], np.ndarray]:
        return (lambda: np.empty((0, embedder.dimension), np.float32)) if inputs is None else embedder.launch(inputs)

    threads = torch.get_num_threads()
    if embedder.device.type == "cpu":
        yield from _in_threads(lambda batch: launched(prepared(batch))(), batches, threads)
        return
    flying: deque[tuple[A, Callable[[], np.ndarray]]] = deque()
    for batch, inputs in _in_threads(prepared, batches, min(threads, WORKERS)):
        flying.append((batch, launched(inputs)))
        if len(flying) == IN_FLIGHT:
            first, wait = flying.popleft()
            yield first, wait()
    for first, wait in flying:
        yield first, wait()


def _in_threads(work: Callable[[A], B], items: Iterable[A], threads: int) -> Iterator[tuple[A, B]]:
    """``work`` on every item, in order, at most ``AHEAD`` items more than there are threads at a time."""
    waiting: deque[tuple[A, Future[B]]] = deque()
    pool = ThreadPoolExecutor(threads, "frames", initializer=torch.set_num_threads, initargs=(1,))
    try:
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) == AHEAD + threads:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)  # an error must not leave threads on a file that is being closed
