"""``ires100``: 512 features from IResNet100, trained for face recognition (ArcFace) or fine-tuned from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from abaw_pipeline.features.base import ExtractorSettings, Spec
from abaw_pipeline.features.visual.pictures import HALF, resized

if TYPE_CHECKING:
    import torch

SIZE = 112


class IRes100:
    """A frame extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``ires100``; ``weights`` is required (keys of insightface's ``backbone.pth``)."""

        extractor: Literal["ires100"]

    statistics = HALF

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        return Spec("visual", "faces", 512, code=("features.visual.ires100",), weights=("weights",))

    def load(self, device: torch.device) -> None:
        from abaw_pipeline.networks.checkpoint import load_weights
        from abaw_pipeline.networks.iresnet import IResNet, iresnet100

        self.network = load_weights(iresnet100(), self.settings.weights, IResNet.INPUT).to(device)

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        return resized(picture, SIZE)

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        return self.network(batch)
