"""``egemaps``: openSMILE's eGeMAPSv02 (Eyben et al., IEEE Trans. Affective Computing 7, 2016), LLDs or functionals.

openSMILE's licence allows research only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from abaw_pipeline.features.base import SAMPLE_RATE, ExtractorSettings, Rows, Samples, Spec

if TYPE_CHECKING:
    import torch

SHORTEST = 960
"""Samples of eGeMAPS' longest window (60 ms); openSMILE gives NaN for less."""
LLD_WINDOW_S = 0.06


class EGeMAPS:
    """A sound extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``egemaps``; it takes no weights."""

        extractor: Literal["egemaps"]
        level: Literal["lld", "functionals"] = "lld"
        """``lld``: 25 descriptors every 10 ms. ``functionals``: 88 statistics of a sliding window."""
        window_s: float = Field(2.0, ge=0.2)
        """Functionals: length of the window in seconds; at the ends of the sound it is cut short, not padded."""
        hop_s: float = Field(0.2, gt=0)
        """Functionals: seconds between two windows."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        code = ("features.audio.egemaps",)
        if settings.level == "lld":
            return Spec("audio", "sound", 25, "float32", code, unit_s=LLD_WINDOW_S)
        return Spec("audio", "sound", 88, "float32", code, unit_s=settings.window_s)

    def load(self, device: torch.device) -> None:
        import opensmile

        level = {
            "lld": opensmile.FeatureLevel.LowLevelDescriptors,
            "functionals": opensmile.FeatureLevel.Functionals,
        }[self.settings.level]
        self.smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, level)

    def describe(self, samples: Samples) -> Iterator[Rows]:
        """openSMILE's own units; the time of an LLD row is the middle of the interval openSMILE gives it."""
        whole = samples[:]
        if len(whole) >= SHORTEST:
            yield self._lld(whole) if self.settings.level == "lld" else self._functionals(whole)

    def _lld(self, samples: np.ndarray) -> Rows:
        table = self.smile.process_signal(samples, SAMPLE_RATE)
        times = (_seconds(table, "start") + _seconds(table, "end")) / 2
        return table.to_numpy(np.float32), times

    def _functionals(self, samples: np.ndarray) -> Rows:
        half = self.settings.window_s / 2
        times = np.arange(0, len(samples) / SAMPLE_RATE, self.settings.hop_s)
        first = np.maximum(np.round((times - half) * SAMPLE_RATE).astype(int), 0)
        last = np.minimum(np.round((times + half) * SAMPLE_RATE).astype(int), len(samples))
        kept = last - first >= SHORTEST
        rows = [
            self.smile.process_signal(samples[a:b], SAMPLE_RATE).to_numpy(np.float32)
            for a, b in zip(first[kept], last[kept], strict=True)
        ]
        return np.concatenate([np.empty((0, 88), np.float32), *rows]), times[kept]


def _seconds(table: Any, level: str) -> np.ndarray:
    return table.index.get_level_values(level).total_seconds().to_numpy()
