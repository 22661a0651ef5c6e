"""``stand_in_audio``: energies of a few bands times a random matrix, in place of a heavy network (``scale: demo``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from abaw_pipeline.features.audio.windows import centred_windows
from abaw_pipeline.features.base import SAMPLE_RATE, ExtractorSettings, Rows, Samples, Spec
from abaw_pipeline.features.random_matrix import random_matrix
from abaw_pipeline.features.weights import RandomWeights

if TYPE_CHECKING:
    import torch

WINDOW_S, HOP_S = 0.1, 0.05
WINDOW = round(WINDOW_S * SAMPLE_RATE)
BANDS = 16
"""Of equal width, up to half the sampling rate."""
BLOCK = 1200
"""Windows read at once (60 s)."""
FLOOR = 1e-10
"""Added to the power of a band: there is no logarithm of silence."""


class StandInAudio:
    """A sound extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``stand_in_audio``."""

        extractor: Literal["stand_in_audio"]
        dimension: int = Field(16, ge=1, le=4096)
        weights: RandomWeights

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        code = ("features.audio.stand_in",)
        return Spec("audio", "sound", settings.dimension, code=code, unit_s=WINDOW_S, weights=("weights",))

    def load(self, device: torch.device) -> None:
        """On whatever device: numpy multiplies."""
        self.matrix = random_matrix(self.settings.weights.seed, BANDS, self.settings.dimension)

    def describe(self, samples: Samples) -> Iterator[Rows]:
        for windows, centres in centred_windows(samples, WINDOW, HOP_S, BLOCK):
            # Not matmul, whose sums depend on how many rows there are.
            yield np.einsum("wb,bd->wd", log_energies(windows), self.matrix), centres


def log_energies(windows: np.ndarray) -> np.ndarray:
    """Natural logarithm of the mean power per band, ``(B, BANDS)`` float32, of windows ``(B, WINDOW)``."""
    power = np.square(np.abs(np.fft.rfft(windows * np.hanning(WINDOW), axis=1))) / WINDOW
    bands = power[:, 1:].reshape(len(windows), BANDS, -1).mean(axis=2)
    return np.log(bands + FLOOR).astype(np.float32)
