"""The sound of a recording: 16 kHz mono, each sample at its place on the recording's time line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import av
import h5py
import numpy as np

from abaw_pipeline.datasets.container import opened
from abaw_pipeline.media.resample import RATE, Run
from abaw_pipeline.runtime.code import library_text
from abaw_pipeline.runtime.files import atomic
from abaw_pipeline.runtime.hdf5 import Hdf5Writer

JUMP_S = 0.02
"""Timestamps may stray this far (seconds) from the count of samples before sound is placed anew by them."""
LONGEST_GAP_S = 3600.0
BLOCK = 1 << 16


def write_sound(video: str | None, path: Path, key: str) -> None:
    """Write ``samples`` ``(N,)`` float32, and ``heard`` ``(k, 2)`` int64: the intervals that were recorded.

    Attribute ``start_s`` is the time of sample 0. Gaps between intervals are zeros. Without a sound stream, or
    without one decodable frame in it, N is 0 and ``present`` false.

    Raises:
        ValueError: the recording cannot be opened, or its timestamps leave a gap of more than an hour.
    """
    notes: list[str] = []
    with atomic(path) as temporary, Hdf5Writer(temporary) as file:
        track = _Track(file)
        if video is not None:
            _fill(track, video, notes)
        track.finish()
        file.attrs.update(key=key, notes=json.dumps(notes), libraries=library_text("media.sound"))


def _fill(track: _Track, video: str, notes: list[str]) -> None:
    run: Run | None = None
    for frame in _decoded(video, notes):
        if frame.pts is not None and frame.time_base is not None:
            time = float(frame.pts * frame.time_base)
        else:
            time = run.end if run else 0.0
        if run is None or not run.continued_by(frame, time, JUMP_S):
            for piece in run.flush() if run else ():
                track.append(piece)
            track.move_to(time, video)
            run = Run(frame, time)
        for piece in run.push(frame):
            track.append(piece)
    for piece in run.flush() if run else ():
        track.append(piece)
    if track.dropped:
        notes.append(f"{track.dropped / RATE:.2f} s of sound overlapped earlier sound and were left out")


def _decoded(video: str, notes: list[str]) -> Iterator[av.AudioFrame]:
    """Frames of the first sound stream; packets that cannot be decoded are counted and leave a gap."""
    undecodable = decoded = 0
    with opened(video) as container:
        stream = next(iter(container.streams.audio), None)
        if stream is None:
            return
        for packet in container.demux(stream):
            try:
                frames = stream.decode(packet)
            except av.error.InvalidDataError:
                undecodable += 1
                continue
            decoded += len(frames)
            yield from frames
    if undecodable:
        notes.append(f"{undecodable} undecodable sound packets")
    if not decoded:
        notes.append("the sound stream has not one decodable frame: taken as without sound")


class _Track:
    """Samples on the way to disk, in blocks; memory does not grow with the length of the sound."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._data = file.create_dataset("samples", (0,), "f4", maxshape=(None,), chunks=(BLOCK,), fillvalue=0)
        self._block: list[np.ndarray] = []
        self._waiting = 0
        self._skip = 0
        self._sha = hashlib.sha256()
        self._start: float | None = None
        self._heard: list[list[int]] = []
        self.length = 0
        self.dropped = 0

    def move_to(self, time: float, video: str) -> None:
        """The next samples begin at ``time``: earlier places are taken already, later ones leave a gap."""
        if self._start is None:
            self._start = time
        place = round((time - self._start) * RATE)
        self._skip = max(0, self.length - place)
        if place - self.length > LONGEST_GAP_S * RATE:
            raise ValueError(f"{video}: timestamps of the sound jump by {(place - self.length) / RATE:.0f} s")
        if place > self.length or not self._heard:
            self._flush()
            self.length = place
            self._heard.append([place, place])

    def append(self, piece: np.ndarray) -> None:
        skip = min(self._skip, len(piece))
        self._skip -= skip
        self.dropped += skip
        piece = piece[skip:]
        self._block.append(piece)
        self._waiting += len(piece)
        self.length += len(piece)
        if self._waiting >= BLOCK:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        values = np.concatenate(self._block)
        self._data.resize(self.length, axis=0)  # what lies between the old end and the values stays zero
        self._data[self.length - len(values) :] = values
        self._sha.update(values.tobytes())
        self._heard[-1][1] = self.length
        self._block, self._waiting = [], 0

    def finish(self) -> None:
        """Write intervals and attributes; ``content`` is the digest of everything but the zeros of gaps."""
        self._flush()
        heard = np.array([pair for pair in self._heard if pair[1] > pair[0]], np.int64).reshape(-1, 2)
        start = self._start if self._start is not None and self.length else 0.0
        self._sha.update(heard.tobytes() + np.float64(start).tobytes())
        self._file["heard"] = heard
        self._file.attrs.update(start_s=start, present=bool(len(heard)), content=self._sha.hexdigest())
