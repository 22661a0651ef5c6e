"""One contiguous run of decoded sound, resampled to 16 kHz mono."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np

RATE = 16_000
"""Sampling rate of every kept sound in Hz."""


class Run:
    """Frames without a gap between them, in one format, placed by the time of the first.

    Times inside a run follow from the number of samples, not from each frame's rounded timestamp.
    """

    def __init__(self, first: av.AudioFrame, start: float) -> None:
        self.start = start
        self._format = _format_of(first)
        self._samples = 0
        # The layout is kept and channels are averaged below: FFmpeg's own mixing to mono does not normalise
        # float samples and so leaves [-1, 1].
        self._resampler = av.AudioResampler(format="fltp", layout=first.layout, rate=RATE)

    @property
    def end(self) -> float:
        """Time in seconds at which the next frame of the run begins."""
        return self.start + self._samples / self._format[2]

    def continued_by(self, frame: av.AudioFrame, time: float, jump: float) -> bool:
        """Whether ``frame`` at ``time`` belongs to the run: same format, and at most ``jump`` seconds off."""
        return _format_of(frame) == self._format and abs(time - self.end) <= jump

    def push(self, frame: av.AudioFrame) -> Iterator[np.ndarray]:
        """Mono float32 pieces that are ready after one more frame."""
        self._samples += frame.samples
        frame.pts = None  # the resampler must not stretch by rounded timestamps
        yield from map(_mono, self._resampler.resample(frame))

    def flush(self) -> Iterator[np.ndarray]:
        """What the resampler still held."""
        yield from map(_mono, self._resampler.resample(None))


def _mono(frame: av.AudioFrame) -> np.ndarray:
    return np.clip(frame.to_ndarray().mean(axis=0, dtype=np.float32), -1, 1)


def _format_of(frame: av.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate
