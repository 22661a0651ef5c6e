"""Self-attention encoder."""

from __future__ import annotations

import math

import torch
from torch import nn

from abaw_pipeline.models.encoders.settings import TransformerSettings


class TransformerEncoder(nn.Module):
    """``(B, T, width)`` to ``(B, T, width)``; padded frames are never attended to."""

    def __init__(self, settings: TransformerSettings) -> None:
        super().__init__()
        self.width = settings.width
        layer = nn.TransformerEncoderLayer(
            settings.width, settings.heads, settings.feedforward, settings.dropout, batch_first=True
        )
        # Nested tensors would cut the output to the longest window of the batch.
        self.layers = nn.TransformerEncoder(layer, settings.layers, enable_nested_tensor=False)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        frames = self.dropout(frames + positions(frames.shape[1], self.width, frames.device))
        return self.layers(frames, src_key_padding_mask=~mask)


def positions(length: int, width: int, device: torch.device | None = None) -> torch.Tensor:
    """Sinusoidal positions ``(length, width)``, sine in even columns, cosine in odd (Vaswani et al., 2017, 3.5)."""
    step = torch.arange(length, device=device, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, width, 2, device=device, dtype=torch.float32) * (-math.log(10_000.0) / width))
    table = torch.zeros(length, width, device=device)
    table[:, 0::2] = torch.sin(step * rate)
    table[:, 1::2] = torch.cos(step * rate[: width // 2])
    return table
