"""What a recording's container tells without a picture or a sound being decoded: how many, when, how long."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream

from abaw_pipeline.datasets.container import opened, picture_stream, seconds


@dataclass(frozen=True)
class Probe:
    """One recording. Times are in seconds on its own time line; damaged packets count as if they were whole.

    Attributes:
        frames: pictures of the first stream of moving pictures.
        times: ``(frames,)`` float64, when each of them is shown, never decreasing.
        rate: pictures a second on average, as the stream states it; ``None`` where it does not.
        sound_s: from the first sample of the first sound stream to the end of its last; 0 without sound.
        sound_start_s: time of that first sample.
    """

    frames: int
    times: np.ndarray
    rate: float | None
    sound_s: float
    sound_start_s: float
    has_pictures: bool
    has_sound: bool


def probe(path: str) -> Probe:
    """Read the packets of a recording.

    Raises:
        ValueError: as ``container.opened``; or pictures with neither times nor a rate.
    """
    shown: list[float] = []
    heard: list[tuple[float, float]] = []
    with opened(path) as container:
        eyes, ears = picture_stream(container), next(iter(container.streams.audio), None)
        seen_in, heard_in = (stream.time_base if stream else None for stream in (eyes, ears))  # a packet's own is slow
        in_order = container.format.name == "avi"  # of its chunks; it has no presentation times
        for packet in container.demux(*(stream for stream in (eyes, ears) if stream)):
            if not packet.size or packet.is_discard:  # the end of a stream, or cut away by an edit list
                continue
            if ears and packet.stream_index == ears.index:
                heard.append(_span(packet, ears, heard_in))
            elif eyes and packet.stream_index == eyes.index:
                time = seconds(packet.dts if in_order else packet.pts, seen_in)
                shown.append(math.nan if time is None else time)
        rate = (eyes.average_rate or eyes.guessed_rate) if eyes else None
    times = _placed(shown, rate, path)
    start, end = min((a for a, _ in heard), default=0.0), max((b for _, b in heard), default=0.0)
    return Probe(len(times), times, float(rate) if rate else None, end - start, start, bool(shown), bool(heard))


def _span(packet: av.Packet, stream: AudioStream, base: Fraction | None) -> tuple[float, float]:
    """First and last moment of a packet of sound, without the samples that a decoder throws away."""
    start = seconds(packet.pts, base) or 0.0
    end = start + (seconds(packet.duration, base) or 0.0)
    if packet.has_sidedata("skip_samples"):  # two 32-bit counts: at the start, at the end
        first, last = struct.unpack_from("<II", bytes(packet.get_sidedata("skip_samples")))
        start, end = start + first / stream.rate, end - last / stream.rate
    return start, max(start, end)


def _placed(times: Sequence[float], rate: Fraction | None, path: str) -> np.ndarray:
    """Times in the order of showing; a picture without one comes a period after its predecessor."""
    placed = np.array(times, float)
    missing = np.flatnonzero(np.isnan(placed))
    if len(missing) and not rate:
        raise ValueError(f"{path}: the recording has neither picture times nor a rate")
    for i in missing:
        placed[i] = placed[i - 1] + 1 / float(rate or 1) if i else 0.0
    return np.sort(placed)
