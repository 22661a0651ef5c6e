"""The encoder of HFUT (ABAW5, ERI and EXPR)."""

from __future__ import annotations

import torch
from torch import nn

from abaw_pipeline.models.encoders.attention import SelfAttention
from abaw_pipeline.models.encoders.base import Encoder
from abaw_pipeline.models.encoders.blocks import Place
from abaw_pipeline.models.encoders.settings import AttentionTransformerSettings
from abaw_pipeline.models.streams import Encoded, State


class AttentionTransformerEncoder(Encoder):
    """``concat(x, MHA(x), Transformer(x))`` (Eq. 2 and 3): ``(B, T, width)`` to ``(B, T, 3 width)``.

    x is the input with its positions, as in the authors' code, where they come with the embedding; no dropout is on x
    itself.
    """

    def __init__(self, settings: AttentionTransformerSettings) -> None:
        super().__init__(3 * settings.width)
        self.place = Place(settings.positions, dropout=0.0)
        self.attention = _attention(settings)
        self.layers = nn.ModuleList(_Layer(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.width) if settings.norm == "pre" else nn.Identity()

    def forward(self, frames: torch.Tensor, mask: torch.Tensor, state: State | None = None) -> Encoded:
        placed = transformed = self.place(frames)
        for layer in self.layers:
            transformed = layer(transformed, mask)
        return Encoded(torch.cat([placed, self.attention(placed, mask), self.norm(transformed)], dim=-1))


class _Layer(nn.Module):
    """``torch.nn.TransformerEncoderLayer`` but for heads of any width."""

    def __init__(self, settings: AttentionTransformerSettings) -> None:
        super().__init__()
        self.pre = settings.norm == "pre"
        self.attention = _attention(settings)
        self.feedforward = nn.Sequential(
            nn.Linear(settings.width, settings.feedforward),
            nn.ReLU(),
            nn.Dropout(settings.dropout),
            nn.Linear(settings.feedforward, settings.width),
        )
        self.norms = nn.ModuleList(nn.LayerNorm(settings.width) for _ in range(2))
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        first, second = self.norms
        if self.pre:
            frames = frames + self.dropout(self.attention(first(frames), mask))
            return frames + self.dropout(self.feedforward(second(frames)))
        frames = first(frames + self.dropout(self.attention(frames, mask)))
        return second(frames + self.dropout(self.feedforward(frames)))


def _attention(settings: AttentionTransformerSettings) -> SelfAttention:
    head_width = settings.head_width or settings.width // settings.heads
    return SelfAttention(settings.width, settings.heads, head_width, settings.dropout)
