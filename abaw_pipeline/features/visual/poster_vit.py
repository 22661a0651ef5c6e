"""``poster_vit``: features of PosterV2 beside those of a ViT-B/16, both trained on facial expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, model_validator

from abaw_pipeline.features.base import ExtractorSettings, Spec
from abaw_pipeline.features.visual.pictures import IMAGENET, resized
from abaw_pipeline.features.weights import Weights

if TYPE_CHECKING:
    import torch
    from torch import nn

SIZE = 224
WIDTH = 768
"""Features of either network (tests hold it to both)."""
VIT = "vit_base_patch16_224"
PARTS = {"both": ("weights", "vit"), "poster": ("weights",), "vit": ("vit",)}
"""The fields that hold the weights of each choice, in the order of their features."""


class PosterViT:
    """A frame extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``poster_vit``; ``weights`` (PosterV2's public keys) and ``vit`` as ``parts`` asks for them."""

        extractor: Literal["poster_vit"]
        vit: Weights | None = None
        """Weights of the ViT-B/16 (timm's keys; a ``head`` in the file is not used)."""
        parts: Literal["both", "poster", "vit"] = "both"
        """``both``: 1536 features, PosterV2's first; one of them: its 768."""
        pooling: Literal["cls", "patches"] = "cls"
        """Of the ViT: its normalised CLS token, or the mean of its normalised patch tokens."""
        classes: int = Field(7, ge=1)
        """Classes of the head in PosterV2's checkpoint (AffectNet: 7, or 8 with contempt); no feature depends on it."""

        @model_validator(mode="after")
        def _no_weights_in_vain(self) -> PosterViT.Settings:
            for field in PARTS["both"]:
                if field not in PARTS[self.parts] and getattr(self, field) is not None:
                    raise ValueError(f"{field}: 'parts: {self.parts}' has no use for them; remove the key")
            return self

    statistics = IMAGENET

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        fields = PARTS[settings.parts]
        return Spec("visual", "faces", WIDTH * len(fields), code=("features.visual.poster_vit",), weights=fields)

    def load(self, device: torch.device) -> None:
        from abaw_pipeline.networks.side_by_side import SideBySide

        build = {"weights": self._poster, "vit": self._vit}
        self.network = SideBySide(build[field]() for field in PARTS[self.settings.parts]).eval().to(device)

    def _poster(self) -> nn.Module:
        from abaw_pipeline.networks.checkpoint import load_weights
        from abaw_pipeline.networks.poster_v2 import PosterV2

        return load_weights(PosterV2(self.settings.classes), self.settings.weights, PosterV2.INPUT)

    def _vit(self) -> nn.Module:
        from abaw_pipeline.networks.checkpoint import load_weights
        from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before timm, which imports torchvision

        import timm  # isort: skip

        pool = {"cls": "token", "patches": "avg"}[self.settings.pooling]
        # ``fc_norm=False``: tokens are normalised before they are averaged, by the ``norm`` of the checkpoint.
        network = timm.create_model(VIT, pretrained=False, num_classes=0, global_pool=pool, fc_norm=False)
        return load_weights(network, self.settings.vit, (3, SIZE, SIZE), ignored=("head.",))

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        return resized(picture, SIZE)

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        return self.network(batch)
