"""``inception_vggface2`` and ``inception_casia``: 512 features from a face recognition network, two sets of weights.

facenet-pytorch publishes both (20180402-114759 trained on VGGFace2, 20180408-102900 on CASIA-WebFace; code MIT, the
data sets for research only).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from abaw_pipeline.features.base import ExtractorSettings, Spec
from abaw_pipeline.features.visual.pictures import resized

if TYPE_CHECKING:
    import torch

SIZE = 160  # larger crops are shrunk by area means, as facenet-pytorch does; smaller ones are enlarged bicubically
IDENTITIES = {"VGGFace2": 8631, "CASIA-WebFace": 10575}
"""People in the data sets, and so rows of the classifier that a public checkpoint still carries."""


class _Inception:
    """A frame extractor (see ``features/base.py``)."""

    Settings: ClassVar[type[ExtractorSettings]]
    trained_on: ClassVar[str]

    statistics = ((127.5 / 255,) * 3, (128 / 255,) * 3)
    """Maps 0 to 255 to (x - 127.5) / 128."""

    def __init__(self, settings: ExtractorSettings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: ExtractorSettings) -> Spec:
        return Spec("visual", "faces", 512, code=("features.visual.inception",), weights=("weights",))

    def load(self, device: torch.device) -> None:
        from abaw_pipeline.networks.checkpoint import load_weights
        from abaw_pipeline.networks.inception_resnet_v1 import InceptionResnetV1 as Network

        network = load_weights(Network(), self.settings.weights, Network.INPUT, translate=self._without_classifier)
        self.network = network.to(device)

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        return resized(picture, SIZE)

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        return self.network(batch)

    def _without_classifier(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """``state`` without ``logits``; ``ValueError`` where these say that it is the other set of weights."""
        rows = len(state.get("logits.bias", ()))
        for other, people in IDENTITIES.items():
            if rows == people and other != self.trained_on:
                raise ValueError(
                    f"weights: '{self.settings.extractor}' was trained on {self.trained_on}, but these "
                    f"tell {rows} people apart: they are those trained on {other}"
                )
        return {key: value for key, value in state.items() if not key.startswith("logits.")}


class InceptionVGGFace2(_Inception):
    """Trained on VGGFace2."""

    trained_on = "VGGFace2"

    class Settings(ExtractorSettings):
        """Settings of ``inception_vggface2``; ``weights`` is required (keys of facenet-pytorch)."""

        extractor: Literal["inception_vggface2"]


class InceptionCASIA(_Inception):
    """Trained on CASIA-WebFace."""

    trained_on = "CASIA-WebFace"

    class Settings(ExtractorSettings):
        """Settings of ``inception_casia``; ``weights`` is required (keys of facenet-pytorch)."""

        extractor: Literal["inception_casia"]
