"""Recurrent encoder."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from abaw_pipeline.models.encoders.settings import GruSettings


class GruEncoder(nn.Module):
    """``(B, T, hidden)`` to ``(B, T, hidden)``, twice as wide where bidirectional. Padding must stand at the end."""

    def __init__(self, settings: GruSettings) -> None:
        super().__init__()
        self.width = settings.hidden * (2 if settings.bidirectional else 1)
        self.gru = nn.GRU(
            settings.input_width,
            settings.hidden,
            settings.layers,
            batch_first=True,
            bidirectional=settings.bidirectional,
            dropout=settings.dropout if settings.layers > 1 else 0.0,
        )

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        if not self.gru.bidirectional:  # causal: what stands after a frame cannot reach it
            return self.gru(frames)[0]
        packed = pack_padded_sequence(frames, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=frames.shape[1])[0]
