"""The whole temporal model.

Shape letters: B windows, T frames, D input dimension (all features side by side), C predicted columns.
"""

from __future__ import annotations

import torch
from torch import nn

from abaw_pipeline.models.heads import build_head
from abaw_pipeline.models.registry import build_encoder
from abaw_pipeline.models.encoders.settings import EncoderSettings
from abaw_pipeline.models.settings import HeadSettings


class TemporalModel(nn.Module):
    """Early fusion (one projection of the concatenated features), encoder, head.

    Args:
        dimension: D.
        columns: C.
        bounded: outputs pass through tanh, so that they lie in [-1, 1] (valence, arousal).
    """

    def __init__(
        self, dimension: int, columns: int, bounded: bool, encoder: EncoderSettings, head: HeadSettings
    ) -> None:
        super().__init__()
        self.projection = nn.Linear(dimension, encoder.input_width)
        self.encoder = build_encoder(encoder)
        self.head = build_head(self.encoder.width, columns, head)
        self.activation = nn.Tanh() if bounded else nn.Identity()

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Standardised frames ``(B, T, D)`` to predictions ``(B, T, C)``.

        Args:
            mask: bool ``(B, T)``, true for frames, false for padding, which stands at the end of a window and
                never influences a frame. What is predicted for padding means nothing.
        """
        return self.activation(self.head(self.encoder(self.projection(frames), mask)))
