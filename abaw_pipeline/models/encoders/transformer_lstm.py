"""Transformer, then LSTM (EVAEF, ABAW5)."""

from __future__ import annotations

import torch

from abaw_pipeline.models.encoders.base import Encoder
from abaw_pipeline.models.encoders.blocks import EncoderStack
from abaw_pipeline.models.encoders.recurrent import Lstm, build_network
from abaw_pipeline.models.encoders.settings import TransformerLstmSettings
from abaw_pipeline.models.streams import Encoded, State


class TransformerLstmEncoder(Encoder):
    """``(B, T, width)`` to ``(B, T, hidden)``: the LSTM reads what the Transformer encoder makes of each frame."""

    def __init__(self, settings: TransformerLstmSettings) -> None:
        super().__init__(settings.hidden)
        self.stack = EncoderStack(settings)
        self.lstm = build_network(Lstm, settings.width, settings.hidden, settings.lstm_layers, settings.dropout)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor, state: State | None = None) -> Encoded:
        return Encoded(self.lstm(self.stack(frames, mask))[0])
