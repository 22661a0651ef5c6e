"""GRU beside a whole Transformer (JNU, ABAW3, stage 1 of valence and arousal)."""

from __future__ import annotations

import torch
from torch import nn

from abaw_pipeline.models.encoders.base import Encoder
from abaw_pipeline.models.encoders.blocks import EncoderDecoder
from abaw_pipeline.models.encoders.recurrent import build_network
from abaw_pipeline.models.encoders.settings import GruTransformerSettings
from abaw_pipeline.models.streams import Encoded, State

BRANCH_WEIGHTS = {"transformer": 0.5, "mean": 0.5}
"""0.5 L(Transformer) + 0.5 L(mean of both scores); the GRU learns through the mean."""


class GruTransformerEncoder(Encoder):
    """``(B, T, width)`` to ``(B, T, hidden + width)``: both outputs side by side, and each as a branch on request.

    The Transformer's source and target are the input.
    """

    def __init__(self, settings: GruTransformerSettings) -> None:
        width = settings.hidden + settings.width
        if settings.branch_loss == "branches":
            branches = {"gru": settings.hidden, "transformer": settings.width}
            super().__init__(width, "mean", branches, BRANCH_WEIGHTS)
        else:
            super().__init__(width)
        self.gru = build_network(nn.GRU, settings.width, settings.hidden, settings.gru_layers, settings.dropout)
        self.transformer = EncoderDecoder(settings)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor, state: State | None = None) -> Encoded:
        streams = {"gru": self.gru(frames)[0], "transformer": self.transformer(frames, frames, mask)}
        main = torch.cat(list(streams.values()), -1)
        return Encoded(main, streams if self.branches else {})
