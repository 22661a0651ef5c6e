"""Recordings as a stream of pictures with their times, in constant memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from abaw_pipeline.datasets.container import opened, picture_stream, seconds

_SHORT_S, _SHORT_SHARE = 1.0, 0.05
"""A recording that ends earlier than it states by more than this (seconds and share of its length) is truncated."""


def has_pictures(path: str) -> bool:
    """Whether a recording has a stream of moving pictures; ``ValueError`` as ``opened``."""
    with opened(path) as container:
        return picture_stream(container) is not None


def pictures(path: str, max_error_share: float, notes: list[str]) -> Iterator[tuple[float, av.VideoFrame]]:
    """Every picture of a recording in the order it is shown, with its time in seconds.

    Times lie on the recording's own time line and never decrease. What is wrong but tolerable is told in ``notes``.

    Args:
        max_error_share: largest share of pictures that may be undecodable or damaged.

    Raises:
        ValueError: the recording cannot be opened, has no pictures, is damaged beyond ``max_error_share`` or ends
            well before the time that it states.
    """
    with opened(path) as container:
        stream = picture_stream(container)
        if stream is None:
            raise ValueError(f"{path}: no picture stream")
        stream.thread_type = "AUTO"
        state = _State(stream.average_rate or stream.guessed_rate, seconds(stream.start_time, stream.time_base) or 0.0)
        if container.format.name == "avi":
            state.places = deque()
        for frame in _decoded(container, stream, state):
            yield state.place(frame), frame
        _check(path, container, stream, state, max_error_share)
    notes += state.notes()


def upright(frame: av.VideoFrame, reformatter: VideoReformatter) -> np.ndarray:
    """BGR ``(H, W, 3)`` uint8, turned as the recording says it is to be shown (in steps of 90 degrees)."""
    picture = reformatter.reformat(frame, format="bgr24").to_ndarray()
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture


@dataclass
class _State:
    """Where decoding stands: times given so far, and what went wrong."""

    rate: Fraction | None
    start: float
    last: float | None = None
    end: float = 0.0
    latest: float = 0.0
    frames: int = 0
    undecodable: int = 0
    damaged: int = 0
    untimed: int = 0
    backward: int = 0
    places: deque[float] | None = None
    """AVI has no presentation times, and those that FFmpeg guesses are wrong for B-frames. But its chunks lie one
    frame period apart, so the n-th picture shown takes the place of the n-th chunk; these are still to be given."""

    def place(self, frame: av.VideoFrame) -> float:
        """The time of the next picture."""
        step = float(1 / self.rate) if self.rate else 0.0
        if self.places is None:
            time = seconds(frame.pts, frame.time_base)
        else:
            time = self.places.popleft() if self.places else None
        if time is None:
            if not self.rate:
                raise ValueError("the recording has neither picture times nor a rate")
            self.untimed += 1
            time = self.start if self.last is None else self.last + step
        if self.last is not None and time < self.last:
            self.backward += 1
            time = self.last
        length = seconds(frame.duration or None, frame.time_base) or step
        self.last, self.end = time, max(self.end, time + length)
        self.frames += 1
        self.damaged += frame.is_corrupt
        return time

    def notes(self) -> list[str]:
        told = {
            "undecodable picture packets, later frame numbers may be shifted": self.undecodable,
            "damaged pictures": self.damaged,
            "pictures without a time, placed by the stated rate": self.untimed,
            "pictures with a time before their predecessor's, moved to it": self.backward,
        }
        return [f"{count} {what}" for what, count in told.items() if count]


def _decoded(container: InputContainer, stream: VideoStream, state: _State) -> Iterator[av.VideoFrame]:
    """Pictures of one stream. All streams are demultiplexed, to see where the recording ends."""
    for packet in container.demux():
        start, length = seconds(packet.pts, packet.time_base), seconds(packet.duration, packet.time_base)
        state.latest = max(state.latest, (start or 0.0) + (length or 0.0))
        if packet.stream.index != stream.index:
            continue
        place = seconds(packet.dts, packet.time_base)
        if state.places is not None and place is not None:
            state.places.append(place)
        try:
            frames = stream.decode(packet)
        except av.error.InvalidDataError:
            state.undecodable += 1
            if state.places:
                state.places.pop()
            continue
        yield from frames


def _check(path: str, container: InputContainer, stream: VideoStream, state: _State, max_error_share: float) -> None:
    if not state.frames:
        raise ValueError(f"{path}: not one picture could be decoded")
    bad = state.undecodable + state.damaged
    if bad > max_error_share * (state.frames + state.undecodable):
        raise ValueError(
            f"{path}: {bad} of {state.frames + state.undecodable} pictures are undecodable or damaged "
            f"(media.max_error_share is {max_error_share:g})"
        )
    length = seconds(stream.duration, stream.time_base)
    if length is not None:
        stated, end = state.start + length, state.end
    elif container.duration is not None:  # Matroska states the length of the whole, not of each stream
        length, end = container.duration / av.time_base, state.latest
        stated = max(container.start_time or 0, 0) / av.time_base + length
    else:
        return
    if stated - end > max(_SHORT_S, _SHORT_SHARE * length):
        raise ValueError(
            f"{path}: the recording is truncated: it states an end at {stated:.2f} s, pictures stop at {end:.2f} s"
        )
