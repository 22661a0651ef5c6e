"""Temporal convolution network (Bai et al., 2018)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from abaw_pipeline.models.convolution import MaskedConv1d
from abaw_pipeline.models.encoders.base import Encoder
from abaw_pipeline.models.encoders.settings import TcnSettings
from abaw_pipeline.models.streams import Encoded, State


class TcnEncoder(Encoder):
    """``(B, T, width)`` to ``(B, T, width)``; a frame sees ``1 + 2 (kernel - 1) (2^levels - 1)`` frames."""

    def __init__(self, settings: TcnSettings) -> None:
        super().__init__(settings.width)
        self.blocks = residual_blocks(
            settings.width, settings.levels, settings.kernel, settings.dropout, settings.causal
        )

    def forward(self, frames: torch.Tensor, mask: torch.Tensor, state: State | None = None) -> Encoded:
        for block in self.blocks:
            frames = block(frames, mask)
        return Encoded(frames)


class ResidualBlock(nn.Module):
    """``ReLU(x + F(x))``; F is twice a convolution with weight normalisation, ReLU and dropout (Bai et al., Fig. 1b).

    Dropout takes single numbers, as in the authors' code; their text has whole channels.
    """

    def __init__(self, width: int, kernel: int, dilation: int, dropout: float, causal: bool) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList()
        for _ in range(2):
            convolution = MaskedConv1d(width, width, kernel, dilation=dilation, causal=causal)
            weight_norm(convolution.conv)
            self.convolutions.append(convolution)
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        added = frames
        for convolution in self.convolutions:
            added = self.dropout(torch.relu(convolution(added, mask)))
        return torch.relu(frames + added)


def residual_blocks(width: int, levels: int, kernel: int, dropout: float, causal: bool) -> nn.ModuleList:
    """Blocks dilated 1, 2, 4, ..."""
    return nn.ModuleList(ResidualBlock(width, kernel, 2**level, dropout, causal) for level in range(levels))
