"""Landmarks ask the picture, window by window: the cross-attention of PosterV2; names as its checkpoint has them.

Formulas: Mao et al., POSTER++, arXiv 2301.12149, section 3 (window-based cross-attention, q from the landmarks, k and v
from the picture, one bias per head for every displacement inside a window); windows and bias as in Liu et al., Swin
Transformer, ICCV 2021. Shape letters: B pictures, H height, W width, C channels, n windows a picture, L tokens each.

Assumptions, because no key tells: epsilon 1e-5 and GELU, as in Swin; the residual adds the normalised map, since
the paper's equation adds what goes into the attention, and the key ``window.norm`` stands before the windows are cut.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

EPS = 1e-5
EXPANSION = 4


def partition(maps: torch.Tensor, side: int) -> torch.Tensor:
    """``(B, H, W, C)`` cut into windows ``(B * n, side * side, C)``, row by row; H and W are multiples of ``side``."""
    batch, height, width, channels = maps.shape
    cut = maps.reshape(batch, height // side, side, width // side, side, channels)
    return cut.transpose(2, 3).reshape(-1, side * side, channels)


def merge(windows: torch.Tensor, side: int, height: int, width: int) -> torch.Tensor:
    """The maps ``(B, H, W, C)`` that ``partition`` cut."""
    down, across, channels = height // side, width // side, windows.shape[-1]
    cut = windows.reshape(-1, down, across, side, side, channels)
    return cut.transpose(2, 3).reshape(-1, height, width, channels)


def displacements(side: int) -> torch.Tensor:
    """``(L, L)``: for every query and key of a window, the row of the bias table of their displacement."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    place = torch.stack([rows.flatten(), columns.flatten()])
    apart = place[:, :, None] - place[:, None, :] + side - 1
    return apart[0] * (2 * side - 1) + apart[1]


class Window(nn.Module):
    """Normalises the picture's map and cuts it."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=EPS)
        self.side = side

    def forward(self, maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``(B, C, H, W)`` to windows ``(B * n, L, C)`` and the normalised map ``(B, H, W, C)``."""
        normalised = self.norm(maps.permute(0, 2, 3, 1))
        return partition(normalised, self.side), normalised


class CrossAttention(nn.Module):
    """Multi-head attention inside windows; every window of a picture is asked the same queries."""

    relative_position_index: torch.Tensor

    def __init__(self, channels: int, side: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 2 * channels)  # of keys and values alone, whatever its name says
        self.proj = nn.Linear(channels, channels)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * side - 1) ** 2, heads))
        self.register_buffer("relative_position_index", displacements(side))

    def forward(self, windows: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
        """softmax(q kᵀ / √(C / heads) + bias) v, heads side by side, through ``proj``.

        Args:
            windows: of the picture, ``(B * n, L, C)``.
            queries: of the landmarks, ``(B, L, C)``.

        Returns:
            ``(B * n, L, C)``.
        """
        keys, values = self.qkv(windows).chunk(2, dim=-1)
        queries = queries.repeat_interleave(len(windows) // len(queries), 0)
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        q, k, v = (self._split(tokens) for tokens in (queries, keys, values))
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias[None])
        return self.proj(mixed.transpose(1, 2).flatten(2))

    def _split(self, tokens: torch.Tensor) -> torch.Tensor:
        """``(B * n, L, C)`` to ``(B * n, heads, L, C / heads)``."""
        return tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Mlp(nn.Module):
    """Two layers with GELU between them, as in every transformer block."""

    def __init__(self, channels: int, expansion: int = EXPANSION) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, expansion * channels)
        self.fc2 = nn.Linear(expansion * channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(functional.gelu(self.fc1(x)))


class FeedForward(nn.Module):
    """What was attended to joins the map: ``y = map + γ₁ attended``, then ``y + γ₂ MLP(LN(y))``.

    γ are factors per channel (Touvron et al., CaiT, ICCV 2021). They start at one: with the usual tiny values a network
    of random weights would not see the landmarks.
    """

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.norm = nn.LayerNorm(channels, eps=EPS)
        self.mlp = Mlp(channels)
        self.gamma1 = nn.Parameter(torch.ones(channels))
        self.gamma2 = nn.Parameter(torch.ones(channels))

    def forward(self, attended: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
        """Windows ``(B * n, L, C)`` and map ``(B, H, W, C)`` to ``(B, C, H, W)``."""
        y = maps + self.gamma1 * merge(attended, self.side, maps.shape[1], maps.shape[2])
        y = y + self.gamma2 * self.mlp(self.norm(y))
        return y.permute(0, 3, 1, 2)
