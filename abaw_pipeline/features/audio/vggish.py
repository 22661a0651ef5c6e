"""``vggish``: 128 features of 0.975 s of sound from AudioSet's VGGish, as they are or as AudioSet published them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, model_validator

from abaw_pipeline.features.audio.windows import centred_windows
from abaw_pipeline.features.base import ExtractorSettings, Rows, Samples, Spec
from abaw_pipeline.features.weights import Weights

if TYPE_CHECKING:
    import torch

PATCH_S = 0.975
BATCH = 32
"""Patches computed at once."""


class VGGishFeatures:
    """A sound extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``vggish``; ``weights`` is required (torchvggish's ``vggish-10086976.pth``, Apache-2.0)."""

        extractor: Literal["vggish"]
        hop_s: float = Field(0.96, ge=0.01, le=10)
        """Seconds between patches: 0.96 as in AudioSet, or less, so that frames of a video get patches of their own."""
        pca: Weights | None = None
        """PCA of the embeddings (torchvggish's ``vggish_pca_params-970ea276.pth``); without it they stay as they are.
        """
        quantise: Literal["none", "bytes", "unit"] = "none"
        """Of components: ``bytes`` clips to [-2, 2] and rounds to 0..255 as AudioSet did; ``unit`` is that over 255."""

        @model_validator(mode="after")
        def _components_are_quantised(self) -> VGGishFeatures.Settings:
            if self.quantise != "none" and self.pca is None:
                raise ValueError(f"quantise: '{self.quantise}' is of PCA components; give 'pca', or leave it out")
            return self

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        weights = ("weights",) if settings.pca is None else ("weights", "pca")
        return Spec("audio", "sound", 128, code=("features.audio.vggish",), unit_s=PATCH_S, weights=weights)

    def load(self, device: torch.device) -> None:
        from abaw_pipeline.features.audio.vggish_front import LogMelPatches
        from abaw_pipeline.networks.checkpoint import load_weights
        from abaw_pipeline.networks.vggish import PCA, VGGish

        self.device = device
        self.front = LogMelPatches(device)
        self.network = load_weights(VGGish(), self.settings.weights, VGGish.INPUT).to(device)
        self.pca = load_weights(PCA(), self.settings.pca, PCA.INPUT).to(device) if self.settings.pca else None

    def describe(self, samples: Samples) -> Iterator[Rows]:
        """One row a patch. Zeros stand for sound before the first and after the last sample."""
        from abaw_pipeline.features.audio.vggish_front import PATCH

        for sound, centres in centred_windows(samples, PATCH, self.settings.hop_s, BATCH):
            yield self._embed(sound), centres

    def _embed(self, sound: np.ndarray) -> np.ndarray:
        import torch

        from abaw_pipeline.networks.vggish import quantised

        with torch.inference_mode():
            rows = self.network(self.front(torch.from_numpy(sound).to(self.device)))
            rows = rows if self.pca is None else self.pca(rows)
            rows = rows if self.settings.quantise == "none" else quantised(rows)
            rows = rows / 255 if self.settings.quantise == "unit" else rows
            return rows.float().cpu().numpy()
