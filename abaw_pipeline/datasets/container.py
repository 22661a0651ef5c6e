"""Recordings as containers: opened for reading, with what is wrong told in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from abaw_pipeline.datasets.truncation import missing_bytes


@contextmanager
def opened(path: str) -> Iterator[InputContainer]:
    """A recording, open for reading.

    Raises:
        ValueError: the file is missing, empty, truncated or no recording; names the file and the cause. Errors of
            the container that come up inside the block are reported in the same way.
    """
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"{path}: no such recording")
    if file.stat().st_size == 0:
        raise ValueError(f"{path}: the recording is empty (0 bytes)")
    if missing := missing_bytes(file):
        raise ValueError(f"{path}: the recording is truncated, its last {missing} bytes are missing")
    try:
        with av.open(path) as container:
            yield container
    except av.error.FFmpegError as error:
        raise ValueError(f"{path}: cannot be read as a recording ({error.strerror}); is it truncated?") from None


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The first stream of moving pictures (a cover picture is none)."""
    moving = (stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic)
    return next(moving, None)


def seconds(ticks: int | None, base: Fraction | None) -> float | None:
    """A time stamp of a stream in seconds, where it is known."""
    return None if ticks is None or base is None else ticks * base.numerator / base.denominator
