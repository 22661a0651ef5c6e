"""openSMILE on sound of any length: low-level descriptors (LLDs) in chunks without seams, functionals of windows.

LLDs. The sound is computed in chunks of a minute with ``BEFORE`` seconds ahead and ``AFTER`` seconds behind, which are
thrown away. Measured on three minutes of real speech and of a synthetic voice, in chunks of 15 s: with 10 s before and
3 s after, every LLD of eGeMAPS and ComParE equals, to the last bit, that of the whole sound in one piece. What reaches
furthest is ComParE's RASTA filter (1 s before: 0.8 % of a standard deviation off; 3 s before: the last bits). Pitch,
jitter and shimmer need no more. One thing has no end: the deltas of ComParE's voicing (see ``compare.py``).

Time. Row ``k`` is timed at the middle of the 20 ms windows that start at ``k`` times 10 ms, which most descriptors are
made from; those of 60 ms windows (pitch, voice quality, ComParE's zero crossings) start there too and reach 40 ms
further. openSMILE gives one row more than the sound has 60 ms windows.

openSMILE's licence (https://www.audeering.com/research/opensmile/) allows research only.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from abaw_pipeline.features.base import SAMPLE_RATE, Rows, Samples
from abaw_pipeline.strict import Strict

if TYPE_CHECKING:
    from opensmile import Smile

HOP, WINDOW = 160, 320
"""Samples between rows, and of the window that a row is timed by."""
LONGEST = 960
"""Samples of the longest window (60 ms), which ``LLD_S`` is in seconds; openSMILE has no row for less sound."""
LLD_S = LONGEST / SAMPLE_RATE
CHUNK, BEFORE, AFTER = 6000, 1000, 300
"""Rows of a chunk (60 s), and rows computed before and after it."""
BLOCK = 64
"""Windows of functionals given at once."""
LOUDEST = 32767 / 32768
"""openSMILE turns samples into 16 bit without a check: 1.0 would become -1.0."""


class SmileSettings(Strict):
    """Settings of both sets."""

    level: Literal["lld", "functionals"] = "lld"
    """``lld``: descriptors every 10 ms. ``functionals``: statistics of a sliding window."""
    window_s: float = Field(2.0, ge=0.2)
    """Functionals: length in seconds of the window around a row's time; the sound is padded with zeros at its ends."""
    hop_s: float = Field(0.2, gt=0)
    """Functionals: seconds between two windows."""


Level = Literal["LowLevelDescriptors", "LowLevelDescriptors_Deltas", "Functionals"]


def load_smile(feature_set: str, level: Level) -> Smile:
    """openSMILE for one of its sets (``ComParE_2016``) and levels, by the names that it has for them."""
    import opensmile

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Feature set .* is deprecated", UserWarning)  # it was asked for by name
        return opensmile.Smile(opensmile.FeatureSet[feature_set], opensmile.FeatureLevel[level])


def table(smile: Smile, samples: np.ndarray) -> np.ndarray:
    """What openSMILE gives for ``samples`` ``(N,)``, at least ``LONGEST``: rows ``(M, D)`` float32."""
    return smile.process_signal(np.clip(samples, -1.0, LOUDEST), SAMPLE_RATE).to_numpy(np.float32)


@dataclass(frozen=True)
class Chunk:
    """A piece of sound to compute at once."""

    samples: np.ndarray
    first: int
    """Number of the first row that is its own."""
    own: slice
    """Its own rows among those of its samples."""

    @property
    def centres(self) -> np.ndarray:
        """Times of its own rows, in seconds."""
        return (np.arange(self.first, self.first + self.own.stop - self.own.start) * HOP + WINDOW / 2) / SAMPLE_RATE


def chunks(samples: Samples) -> Iterator[Chunk]:
    """The sound, minute by minute; none where it is shorter than ``LONGEST``."""
    total = 2 + (len(samples) - LONGEST) // HOP if len(samples) >= LONGEST else 0
    for first in range(0, total, CHUNK):
        last, start = min(first + CHUNK, total), max(0, first - BEFORE)
        piece = samples[start * HOP : (last + AFTER) * HOP + LONGEST]
        yield Chunk(piece, first, slice(first - start, last - start))


def functionals(smile: Smile, samples: Samples, settings: SmileSettings) -> Iterator[Rows]:
    """One row every ``hop_s`` from the first sample on, of the window around its time."""
    length = round(settings.window_s * SAMPLE_RATE)
    times = np.arange(math.ceil(len(samples) / (settings.hop_s * SAMPLE_RATE))) * settings.hop_s
    firsts = np.round(times * SAMPLE_RATE).astype(int) - length // 2
    for k in range(0, len(times), BLOCK):
        rows = [table(smile, _padded(samples, first, length)) for first in firsts[k : k + BLOCK]]
        yield np.concatenate(rows), times[k : k + BLOCK]


def _padded(samples: Samples, first: int, length: int) -> np.ndarray:
    """``length`` samples from ``first`` on, zeros where there is no sound."""
    piece = np.zeros(length, np.float32)
    start, stop = max(first, 0), min(first + length, len(samples))
    piece[start - first : stop - first] = samples[start:stop]
    return piece
