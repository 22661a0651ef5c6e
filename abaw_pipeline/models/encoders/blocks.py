"""Transformer blocks, as every encoder that has some builds them.

Shape letters: B windows, T frames, W width.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import nn

from abaw_pipeline.models.encoders.settings import Attending


class EncoderStack(nn.Module):
    """Positions, then Transformer encoder layers: ``(B, T, W)`` to ``(B, T, W)``.

    Layer normalisation before each sublayer (``pre``) needs one more at the end, since the sum of residuals is not
    normalised else.
    """

    def __init__(self, settings: Attending) -> None:
        super().__init__()
        self.place = Place(settings.positions, settings.dropout)
        self.layers = _layers(settings, last_norm=settings.norm == "pre")

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Every frame attends to the real frames (``mask``, bool ``(B, T)``) of its window."""
        return self.layers(self.place(frames), src_key_padding_mask=~mask)


class EncoderDecoder(nn.Module):
    """A whole Transformer, ``layers`` of encoder and of decoder: both see whole windows, nothing is causal.

    As in ``torch.nn.Transformer``, encoder and decoder end in a layer normalisation, ``pre`` or ``post``.
    """

    def __init__(self, settings: Attending) -> None:
        super().__init__()
        self.place = Place(settings.positions, settings.dropout)
        self.transformer = nn.Transformer(
            settings.width,
            settings.heads,
            num_decoder_layers=settings.layers,
            dim_feedforward=settings.feedforward,
            dropout=settings.dropout,
            custom_encoder=_layers(settings, last_norm=True),
            batch_first=True,
            norm_first=settings.norm == "pre",
        )

    def forward(self, source: torch.Tensor, target: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Source and target ``(B, T, W)``, of the same frames, to ``(B, T, W)``."""
        padding = ~mask
        return self.transformer(
            self.place(source),
            self.place(target),
            src_key_padding_mask=padding,
            tgt_key_padding_mask=padding,
            memory_key_padding_mask=padding,
        )


class Place(nn.Module):
    """Adds positions, then dropout (Vaswani et al., 2017, 5.4)."""

    def __init__(self, kind: Literal["sinusoidal", "none"], dropout: float) -> None:
        super().__init__()
        self.kind = kind
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        if self.kind == "sinusoidal":
            frames = frames + positions(frames.shape[1], frames.shape[2], frames.device)
        return self.dropout(frames)


def positions(length: int, width: int, device: torch.device | None = None) -> torch.Tensor:
    """Sinusoidal positions ``(length, width)``, sine in even columns, cosine in odd (Vaswani et al., 2017, 3.5)."""
    step = torch.arange(length, device=device, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, width, 2, device=device, dtype=torch.float32) * (-math.log(10_000.0) / width))
    table = torch.zeros(length, width, device=device)
    table[:, 0::2] = torch.sin(step * rate)
    table[:, 1::2] = torch.cos(step * rate[: width // 2])
    return table


def build_layer(settings: Attending, width: int) -> nn.TransformerEncoderLayer:
    """One layer of a Transformer encoder."""
    return nn.TransformerEncoderLayer(
        width,
        settings.heads,
        settings.feedforward,
        settings.dropout,
        batch_first=True,
        norm_first=settings.norm == "pre",
    )


def _layers(settings: Attending, last_norm: bool) -> nn.TransformerEncoder:
    layer = build_layer(settings, settings.width)
    norm = nn.LayerNorm(settings.width) if last_norm else None
    # Nested tensors are a prototype, and torch warns of every setting that they do not support.
    stack = nn.TransformerEncoder(layer, settings.layers, norm, enable_nested_tensor=False)
    for parameter in stack.parameters():
        if parameter.dim() > 1:  # torch copies one layer: without this all would begin alike
            nn.init.xavier_uniform_(parameter)
    return stack
