"""``fbank``: Kaldi's log-mel filter bank, 25 ms windows every 10 ms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from abaw_pipeline.features.base import SAMPLE_RATE, ExtractorSettings, Rows, Samples, Spec

if TYPE_CHECKING:
    import torch

WINDOW_S, HOP_S = 0.025, 0.010
WINDOW, HOP = 400, 160
BLOCK = 6000
"""Rows computed at once (60 s); a row depends on its own window only, so blocks change nothing but memory."""


class FilterBank:
    """A sound extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``fbank``; it takes no weights."""

        extractor: Literal["fbank"]
        bins: int = Field(80, ge=4, le=256)
        """Mel bands between 20 Hz and 8 kHz."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        return Spec("audio", "sound", settings.bins, "float32", ("features.audio.fbank",), unit_s=WINDOW_S)

    def load(self, device: torch.device) -> None:
        """Nothing to load."""

    def describe(self, samples: Samples) -> Iterator[Rows]:
        """Natural log of mel energies of samples in [-1, 1]; digital silence gives log of float32's epsilon."""
        rows = max(0, 1 + (len(samples) - WINDOW) // HOP)
        for first in range(0, rows, BLOCK):
            last = min(first + BLOCK, rows)
            values = self._block(samples[first * HOP : (last - 1) * HOP + WINDOW])
            yield values, np.arange(first, last) * HOP_S + WINDOW_S / 2

    def _block(self, samples: np.ndarray) -> np.ndarray:
        import torch

        from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before torchaudio

        from torchaudio.compliance import kaldi  # isort: skip

        return kaldi.fbank(
            torch.from_numpy(samples)[None],
            sample_frequency=SAMPLE_RATE,
            frame_length=WINDOW_S * 1000,
            frame_shift=HOP_S * 1000,
            num_mel_bins=self.settings.bins,
            dither=0.0,
        ).numpy()
