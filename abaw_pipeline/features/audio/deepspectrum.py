"""``deepspectrum``: what DenseNet121, trained on photographs, sees in pictures of a sliding window's spectrogram.

Source: Amiriparian et al., Interspeech 2017 (``features/audio/spectrogram_pictures.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from abaw_pipeline.features.audio.windows import centred_windows
from abaw_pipeline.features.base import SAMPLE_RATE, ExtractorSettings, Rows, Samples, Spec
from abaw_pipeline.features.visual.pictures import IMAGENET

if TYPE_CHECKING:
    import torch

BATCH = 32
"""Windows computed at once."""


class DeepSpectrum:
    """A sound extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``deepspectrum``; ``weights`` is required.

        torchvision's ImageNet weights (BSD-3) are meant: its own ``densenet121-a639ec97.pth``, or the same numbers as
        ``timm/densenet121.tv_in1k``; a ``classifier`` in the file is not used.
        """

        extractor: Literal["deepspectrum"]
        window_s: float = Field(1.0, ge=0.1, le=60)
        """Seconds of sound in one picture."""
        hop_s: float = Field(0.5, ge=0.01, le=10)
        """Seconds between two pictures."""
        range_db: float = Field(80.0, gt=0)
        """What is further than this below the loudest point of a picture is shown as if it were there."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.window = round(settings.window_s * SAMPLE_RATE)

    @staticmethod
    def spec(settings: Settings) -> Spec:
        code = ("features.audio.deepspectrum",)
        return Spec("audio", "sound", 1024, code=code, unit_s=settings.window_s, weights=("weights",))

    def load(self, device: torch.device) -> None:
        import torch

        from abaw_pipeline.features.audio.spectrogram_pictures import SIDE, SpectrogramPictures
        from abaw_pipeline.networks.checkpoint import load_weights
        from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before timm, which imports torchvision

        import timm  # isort: skip

        self.device = device
        self.pictures = SpectrogramPictures(self.settings.range_db, device)
        self.mean, self.deviation = (torch.tensor(v, device=device).view(3, 1, 1) * 255 for v in IMAGENET)
        network = timm.create_model("densenet121", pretrained=False, num_classes=0)
        shape = (3, SIDE, SIDE)
        loaded = load_weights(network, self.settings.weights, shape, ("classifier.",), translate=_numbered_names)
        self.network = loaded.to(device)

    def describe(self, samples: Samples) -> Iterator[Rows]:
        """One row a window: the mean over the last maps. Zeros stand for sound before the first and after the last
        sample."""
        for sound, centres in centred_windows(samples, self.window, self.settings.hop_s, BATCH):
            yield self._embed(sound), centres

    def _embed(self, sound: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            pictures = self.pictures(torch.from_numpy(sound).to(self.device))
            return self.network((pictures - self.mean) / self.deviation).float().cpu().numpy()


def _numbered_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """torchvision's file says ``denselayer1.norm.1.weight`` where its network says ``denselayer1.norm1.weight``."""
    return {re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)", r"\1\2", key): value for key, value in state.items()}
