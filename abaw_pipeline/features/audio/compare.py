"""``compare``: openSMILE's ComParE_2016 (Schuller et al., Interspeech 2016), LLDs with their deltas, or functionals.

The deltas of the six descriptors of voicing (pitch, probability of voicing, two jitters, shimmer, harmonics to noise)
are no local values in openSMILE (package ``opensmile`` 2.6): their divisor is never reset but counts every voiced row
since the start of the sound, so they fade like one over time, to a thousandth after some seconds. ``voicing_deltas``
chooses between openSMILE's values and what the regression is meant to give. All else equals openSMILE on the whole
sound to the last bit; these six do to 1e-5 of their standard deviation, but for the last 0.1 s, where openSMILE empties
its buffers. The functionals are openSMILE's own, of each window by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np

from abaw_pipeline.features.audio.smile import LLD_S, SmileSettings, chunks, functionals, load_smile, table
from abaw_pipeline.features.base import ExtractorSettings, Rows, Samples, Spec

if TYPE_CHECKING:
    import torch

LLDS, FUNCTIONALS = 65, 6373
VOICING = 6
"""Leading descriptors that are zero where there is no voice, but for the probability of voicing."""
REACH = (1, 2)
"""Distances in rows of the pairs that a delta is made from."""


class ComParE:
    """A sound extractor (see ``features/base.py``)."""

    class Settings(SmileSettings, ExtractorSettings):
        """Settings of ``compare``; it takes no weights."""

        extractor: Literal["compare"]
        voicing_deltas: Literal["opensmile", "local"] = "opensmile"
        """LLDs: deltas of the six voicing descriptors. ``opensmile``: as it gives them, fading from the start of the
        sound on. ``local``: the regression over two rows to either side, among rows that are not zero."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        code = ("features.audio.compare",)
        if settings.level == "lld":
            return Spec("audio", "sound", 2 * LLDS, "float32", code, unit_s=LLD_S)
        return Spec("audio", "sound", FUNCTIONALS, "float32", code, unit_s=settings.window_s)

    def load(self, device: torch.device) -> None:
        if self.settings.level == "functionals":
            self.smile = load_smile("ComParE_2016", "Functionals")
        else:
            self.smile = load_smile("ComParE_2016", "LowLevelDescriptors")
            self.deltas = load_smile("ComParE_2016", "LowLevelDescriptors_Deltas")

    def describe(self, samples: Samples) -> Iterator[Rows]:
        """openSMILE's own units (float16 would overflow): 65 descriptors, then their deltas; or functionals."""
        if self.settings.level == "functionals":
            yield from functionals(self.smile, samples, self.settings)
            return
        voicing = VoicingDeltas(self.settings.voicing_deltas)
        for chunk in chunks(samples):
            values, deltas = table(self.smile, chunk.samples), table(self.deltas, chunk.samples)
            of_voicing = voicing.next(values[:, :VOICING], chunk.own)
            parts = values[chunk.own], of_voicing.astype(np.float32), deltas[chunk.own, VOICING:]
            yield np.concatenate(parts, 1), chunk.centres


class VoicingDeltas:
    """Deltas of descriptors that are zero outside voiced stretches, for chunk after chunk of one sound.

    A delta is the sum of ``k * (x[n + k] - x[n - k])`` over the pairs of which neither is zero, divided by twice the
    sum of their ``k * k``: Young et al., The HTK Book, section 5.9, for pairs inside a stretch. openSMILE's divisor is
    instead 10 plus the ``k * k`` of all pairs so far, over the rows and, within a row, over the descriptors.
    """

    def __init__(self, divisor: Literal["opensmile", "local"]) -> None:
        self.divisor = divisor
        self.so_far = 2 * sum(k * k for k in REACH)

    def next(self, values: np.ndarray, own: slice) -> np.ndarray:
        """Deltas ``(m, D)`` of the rows ``own`` of ``values`` ``(M, D)``; at the ends of these the last row goes on."""
        far = max(REACH)
        padded = np.pad(values.astype(np.float64), ((far, far), (0, 0)), mode="edge")
        rows = np.arange(own.start, own.stop) + far
        sums, weights = np.zeros((2, len(rows), values.shape[1]))
        for k in REACH:
            after, before = padded[rows + k], padded[rows - k]
            counted = (after != 0) & (before != 0)
            sums += np.where(counted, k * (after - before), 0.0)
            weights += k * k * counted
        return sums / self._divisor(weights)

    def _divisor(self, weights: np.ndarray) -> np.ndarray:
        if self.divisor == "local":
            return np.maximum(2 * weights, 1)
        running = self.so_far + np.cumsum(weights).reshape(weights.shape)
        self.so_far = running[-1, -1]
        return running
