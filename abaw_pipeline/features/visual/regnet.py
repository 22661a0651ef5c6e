"""``regnet``: pooled features of a RegNetY (Radosavovic et al., Designing Network Design Spaces, CVPR 2020).

The challenge systems name torchvision's ``regnet_y_400mf`` and its ImageNet weights (BSD-3-Clause), so the network is
torchvision's. timm's ``regnety_004`` and ``regnety_016`` are the same networks under other key names, which are
translated.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import numpy as np

from abaw_pipeline.features.base import ExtractorSettings, Spec
from abaw_pipeline.features.visual.pictures import IMAGENET, resized

if TYPE_CHECKING:
    import torch

DIMENSION = {"regnet_y_400mf": 440, "regnet_y_1_6gf": 888}

_PARTS = {"conv1": "f.a", "conv2": "f.b", "conv3": "f.c", "downsample": "proj"}  # timm's names, torchvision's
_LAYERS = {"conv": "0", "bn": "1"}


class RegNet:
    """A frame extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``regnet``; ``weights`` is required (keys of torchvision or timm; a classifier is not used)."""

        extractor: Literal["regnet"]
        model: Literal["regnet_y_400mf", "regnet_y_1_6gf"] = "regnet_y_400mf"
        """440 or 888 features."""
        size: Literal[112, 224] = 112
        """Side of the network's input in pixels; the whole crop is scaled to it, bicubically or by area means.

        ImageNet weights were trained on 224; Nguyen et al. (ABAW3) feed them crops of 112.
        """

    statistics = IMAGENET

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        dimension = DIMENSION[settings.model]
        return Spec("visual", "faces", dimension, code=("features.visual.regnet",), weights=("weights",))

    def load(self, device: torch.device) -> None:
        from torch import nn

        from abaw_pipeline.networks.checkpoint import load_weights
        from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before torchvision

        import torchvision  # isort: skip

        network = torchvision.models.get_model(self.settings.model, weights=None)
        network.fc = nn.Identity()
        shape = (3, self.settings.size, self.settings.size)
        ignored = ("fc.", "head.")
        self.network = load_weights(network, self.settings.weights, shape, ignored, _torchvision_names).to(device)

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        return resized(picture, self.settings.size)

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        return self.network(batch)


def _torchvision_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A checkpoint in timm's layout under torchvision's names; one in torchvision's as it is."""
    return {_torchvision_name(key): value for key, value in state.items()}


def _torchvision_name(key: str) -> str:
    """``s2.b1.conv3.bn.bias`` to ``trunk_output.block2.block2-0.f.c.1.bias``."""
    if stem := re.match(r"stem\.(conv|bn)\.", key):
        return f"stem.{_LAYERS[stem[1]]}.{key[stem.end() :]}"
    block = re.match(r"s(\d)\.b(\d+)\.", key)
    if not block:
        return key
    part = re.sub(r"^(\w+)\.(conv|bn)\.", lambda m: f"{_PARTS.get(m[1], m[1])}.{_LAYERS[m[2]]}.", key[block.end() :])
    part = re.sub(r"^se\.", "f.se.", part)
    return f"trunk_output.block{block[1]}.block{block[1]}-{int(block[2]) - 1}.{part}"
