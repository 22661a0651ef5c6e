"""Transformer, then LSTM (EVAEF, ABAW5)."""

from __future__ import annotations

import torch

from abaw_pipeline.models.encoders.base import Encoder
from abaw_pipeline.models.encoders.blocks import EncoderStack
from abaw_pipeline.models.encoders.recurrent import Lstm, build_network, carried_on
from abaw_pipeline.models.encoders.settings import TransformerLstmSettings
from abaw_pipeline.models.streams import Encoded, State


class TransformerLstmEncoder(Encoder):
    """``(B, T, width)`` to ``(B, T, hidden)``: the LSTM reads what the Transformer encoder makes of each frame (Eq. 6
    and 7), over each window or on from segment to segment of a clip."""

    def __init__(self, settings: TransformerLstmSettings) -> None:
        super().__init__(settings.hidden, carries_state=settings.carry_state)
        self.stack = EncoderStack(settings)
        self.lstm = build_network(Lstm, settings.width, settings.hidden, settings.lstm_layers, settings.dropout)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor, state: State | None = None) -> Encoded:
        transformed = self.stack(frames, mask)
        if self.carries_state:
            return carried_on(self.lstm, transformed, mask, state)
        return Encoded(self.lstm(transformed)[0])
