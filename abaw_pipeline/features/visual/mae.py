"""``mae``: features of a vision transformer that was pre-trained as a masked autoencoder.

Facebook's own weights, and timm's copy of them (hub ``timm/vit_base_patch16_224.mae``), are CC-BY-NC-4.0; those of the
challenge teams, trained on faces, come as files.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from abaw_pipeline.features.base import ExtractorSettings, Spec
from abaw_pipeline.features.visual.pictures import IMAGENET, resized

if TYPE_CHECKING:
    import torch

SIZE = 224  # scaled bicubically, as the authors do; crops that are larger by area means
DIMENSION = {"base": 768, "large": 1024}


class MAE:
    """A frame extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``mae``; ``weights`` is required (keys of timm, of Facebook's MAE or of MAE-pytorch)."""

        extractor: Literal["mae"]
        model: Literal["base", "large"] = "base"
        """ViT-B/16 (768 features) or ViT-L/16 (1024)."""
        pooling: Literal["cls", "patches"] = "patches"
        """The CLS token, or the mean of the patch tokens, which every layout of weights allows."""

    statistics = IMAGENET

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        return Spec("visual", "faces", DIMENSION[settings.model], code=("features.visual.mae",), weights=("weights",))

    def load(self, device: torch.device) -> None:
        from abaw_pipeline.networks.checkpoint import load_weights
        from abaw_pipeline.networks.mae import IGNORED, mae_encoder, take_form

        network = mae_encoder(f"vit_{self.settings.model}_patch16_224.mae", self.settings.pooling)
        weights, shape = self.settings.weights, (3, SIZE, SIZE)
        self.network = load_weights(network, weights, shape, IGNORED, partial(take_form, network)).to(device)

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        return resized(picture, SIZE)

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        return self.network(batch)
