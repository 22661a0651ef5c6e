"""``densenet``: 342 features of a grey face from a DenseNet-BC-100 trained on facial expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from abaw_pipeline.features.base import ExtractorSettings, Spec

if TYPE_CHECKING:
    import torch

# Of grey values 0 to 255 of Aff-Wild2's training set: they belong to the checkpoint.
MEAN, DEVIATION = 101.63449, 59.74126
SIZE = 64


class DenseNet:
    """A frame extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``densenet``; ``weights`` is required."""

        extractor: Literal["densenet"]

    statistics = ((MEAN / 255,), (DEVIATION / 255,))

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        return Spec("visual", "faces", 342, code=("features.visual.densenet",), weights=("weights",))

    def load(self, device: torch.device) -> None:
        from abaw_pipeline.networks.checkpoint import load_weights
        from abaw_pipeline.networks.densenet342 import DenseNet342

        self.network = load_weights(DenseNet342(), self.settings.weights, DenseNet342.INPUT).to(device)

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        import cv2

        return cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (SIZE, SIZE))[..., None]

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        return self.network(batch)
