"""Transformer encoder with multi-modal multi-head attention (TEMMA; Chen, Jiang, Sahli, 2020).

Shape letters: B windows, T frames, M streams, W width of a stream.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from abaw_pipeline.models.encoders.attention import attend
from abaw_pipeline.models.encoders.base import Encoder
from abaw_pipeline.models.encoders.blocks import Place, build_layer
from abaw_pipeline.models.encoders.settings import TemmaSettings
from abaw_pipeline.models.encoders.tcn import residual_blocks
from abaw_pipeline.models.streams import Encoded, State


class TemmaEncoder(Encoder):
    """``(B, T, width)`` to ``(B, T, width)``; the width is M streams side by side, of W = width / M.

    The challenge papers name TEMMA without its structure. Chosen is what its authors' public code has: the embedding is
    a causal temporal convolution network (residual blocks of two convolutions) times ``sqrt(W)``, with sinusoidal
    positions; layer normalisation stands before each sublayer and once more at the end; every stream has weights of its
    own. Otherwise than there, which limits attention to a band, a frame attends to its whole window; the wave lengths
    of positions go to 10,000 instead of 1,000; and there is one dropout rate instead of several.
    """

    def __init__(self, settings: TemmaSettings) -> None:
        super().__init__(settings.width)
        width = settings.width // settings.streams
        self.embeddings = nn.ModuleList(_Embedding(width, settings) for _ in range(settings.streams))
        self.blocks = nn.ModuleList(_Block(width, settings) for _ in range(settings.layers))
        last = nn.LayerNorm if settings.norm == "pre" else nn.Identity
        self.norms = nn.ModuleList(last(width) for _ in range(settings.streams))

    def forward(self, frames: torch.Tensor, mask: torch.Tensor, state: State | None = None) -> Encoded:
        inputs = frames.chunk(len(self.embeddings), dim=-1)
        streams = [embed(stream, mask) for embed, stream in zip(self.embeddings, inputs, strict=True)]
        for block in self.blocks:
            streams = block(streams, mask)
        return Encoded(torch.cat([norm(stream) for norm, stream in zip(self.norms, streams, strict=True)], dim=-1))


class _Embedding(nn.Module):
    def __init__(self, width: int, settings: TemmaSettings) -> None:
        super().__init__()
        self.scale = math.sqrt(width)
        self.blocks = residual_blocks(width, settings.levels, settings.kernel, settings.dropout, causal=True)
        self.place = Place(settings.positions, settings.dropout)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            frames = block(frames, mask)
        return self.place(frames * self.scale)


class _Block(nn.Module):
    """Attention between the streams of a frame, then a Transformer layer along the frames of each stream."""

    def __init__(self, width: int, settings: TemmaSettings) -> None:
        super().__init__()
        self.across = MultiModalAttention(width, settings) if settings.streams > 1 else None
        self.along = nn.ModuleList(build_layer(settings, width) for _ in range(settings.streams))

    def forward(self, streams: list[torch.Tensor], mask: torch.Tensor) -> list[torch.Tensor]:
        if self.across is not None:
            streams = self.across(streams)
        return [layer(stream, src_key_padding_mask=~mask) for layer, stream in zip(self.along, streams, strict=True)]


class MultiModalAttention(nn.Module):
    """Every stream's frame ``(B, T, W)`` attends to all M streams of the same frame, with a residual sum."""

    def __init__(self, width: int, settings: TemmaSettings) -> None:
        super().__init__()
        self.pre = settings.norm == "pre"
        self.heads = settings.heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(settings.streams))
        self.inputs = nn.ModuleList(nn.Linear(width, 3 * width) for _ in range(settings.streams))
        self.outputs = nn.ModuleList(nn.Linear(width, width) for _ in range(settings.streams))
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, streams: list[torch.Tensor]) -> list[torch.Tensor]:
        seen = [norm(stream) for norm, stream in zip(self.norms, streams, strict=True)] if self.pre else streams
        projected = torch.stack([layer(stream) for layer, stream in zip(self.inputs, seen, strict=True)], dim=2)
        taken = attend(projected, self.heads, self.dropout.p if self.training else 0.0).unbind(2)
        added = [self.dropout(layer(stream)) for layer, stream in zip(self.outputs, taken, strict=True)]
        summed = [stream + more for stream, more in zip(streams, added, strict=True)]
        return summed if self.pre else [norm(stream) for norm, stream in zip(self.norms, summed, strict=True)]
