"""Self-attention encoder."""

from __future__ import annotations

import torch

from abaw_pipeline.models.encoders.base import Encoder
from abaw_pipeline.models.encoders.blocks import EncoderStack
from abaw_pipeline.models.encoders.settings import TransformerSettings
from abaw_pipeline.models.streams import Encoded, State


class TransformerEncoder(Encoder):
    """``(B, T, width)`` to ``(B, T, width)``, every frame attending to its window."""

    def __init__(self, settings: TransformerSettings) -> None:
        super().__init__(settings.width)
        self.stack = EncoderStack(settings)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor, state: State | None = None) -> Encoded:
        return Encoded(self.stack(frames, mask))
