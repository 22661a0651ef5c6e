"""``stand_in_visual``: a tiny picture times a random matrix, in place of a heavy network (``scale: demo``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from abaw_pipeline.features.base import ExtractorSettings, Spec
from abaw_pipeline.features.random_matrix import random_matrix
from abaw_pipeline.features.visual.pictures import HALF, resized
from abaw_pipeline.features.weights import RandomWeights

if TYPE_CHECKING:
    import torch

SIDE = 8
"""Of the picture, in pixels."""


class StandInVisual:
    """A frame extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``stand_in_visual``."""

        extractor: Literal["stand_in_visual"]
        dimension: int = Field(16, ge=1, le=4096)
        pictures: Literal["faces", "frames"] = "faces"
        weights: RandomWeights

    statistics = HALF

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        code = ("features.visual.stand_in",)
        return Spec("visual", settings.pictures, settings.dimension, code=code, weights=("weights",))

    def load(self, device: torch.device) -> None:
        import torch

        drawn = random_matrix(self.settings.weights.seed, 3 * SIDE * SIDE, self.settings.dimension)
        self.matrix = torch.from_numpy(drawn).to(device)

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        return resized(picture, SIDE)

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        return batch.flatten(1) @ self.matrix
