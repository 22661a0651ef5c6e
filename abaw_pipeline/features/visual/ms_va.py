"""``ms_va``: pooled features of a MobileNet (timm), fine-tuned for valence and arousal where the weights are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from abaw_pipeline.features.base import ExtractorSettings, Spec, Statistics
from abaw_pipeline.features.visual.pictures import HALF, IMAGENET, resized

if TYPE_CHECKING:
    import torch

# Per timm model: feature dimension and the normalisation its weights were trained with (tests hold both to timm).
MODELS = {
    "mobilenetv3_large_100": (1280, IMAGENET),
    "mobilenetv3_small_100": (1024, IMAGENET),
    "mobilenetv2_100": (1280, IMAGENET),
    "mobilenetv1_100": (1024, HALF),
}


class MobileNetVA:
    """A frame extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``ms_va``; ``weights`` is required (timm's keys; a ``classifier`` in the file is not used)."""

        extractor: Literal["ms_va"]
        model: Literal["mobilenetv3_large_100", "mobilenetv3_small_100", "mobilenetv2_100", "mobilenetv1_100"] = (
            "mobilenetv3_large_100"
        )
        size: int = Field(224, ge=32, le=512, multiple_of=32)
        """Side of the network's input in pixels; the whole crop is scaled to it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        return Spec("visual", "faces", MODELS[settings.model][0], code=("features.visual.ms_va",), weights=("weights",))

    def load(self, device: torch.device) -> None:
        from abaw_pipeline.networks.checkpoint import load_weights
        from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before timm, which imports torchvision

        import timm  # isort: skip

        network = timm.create_model(self.settings.model, pretrained=False, num_classes=0)
        shape = (3, self.settings.size, self.settings.size)
        self.network = load_weights(network, self.settings.weights, shape, ignored=("classifier.",)).to(device)

    @property
    def statistics(self) -> Statistics:
        return MODELS[self.settings.model][1]

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        return resized(picture, self.settings.size)

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        return self.network(batch)
