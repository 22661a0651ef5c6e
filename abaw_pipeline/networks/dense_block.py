"""A dense block for inference on a CPU: the same values, without copying all maps once a layer.

The maps lie in one piece of memory, channels last, into which each layer writes its own; a 1x1 convolution is then a
product of matrices. A few pictures at a time go through the whole block, so that their maps stay in the cache.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

PIXELS = 2 * 32 * 32
"""Pixels of the maps that go through a block at a time, about."""


class _Layer(nn.Module):
    """BN, ReLU, 1x1 convolution, BN, ReLU, 3x3 convolution of a layer that has them under torchvision's names."""

    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self, layer: Any) -> None:
        super().__init__()
        norm = layer.norm1
        scale = norm.weight.detach() * torch.rsqrt(norm.running_var + norm.eps)
        self.register_buffer("scale", scale)
        self.register_buffer("shift", norm.bias.detach() - norm.running_mean * scale)
        self.conv1 = layer.conv1
        self.rest = nn.Sequential(layer.norm2, layer.relu2, layer.conv2)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps ``(B, h, w, C)``, of which a part may be shown, to ``(B, h, w, growth)``."""
        active = torch.addcmul(self.shift, maps, self.scale).relu_()
        mixed = functional.linear(active, self.conv1.weight.flatten(1), self.conv1.bias)
        return self.rest(mixed.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class LeanDenseBlock(nn.Module):
    """Made of a block's layers, with or without their second norm folded; each adds ``growth`` maps."""

    def __init__(self, layers: Iterable[nn.Module], growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(layer) for layer in layers)
        self.growth = growth

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(B, C, h, w)`` to ``(B, C + growth * layers, h, w)``, channels last."""
        many, channels, height, width = x.shape
        maps = x.new_empty(many, height, width, channels + self.growth * len(self.layers))
        maps[..., :channels] = x.permute(0, 2, 3, 1)
        few = max(1, PIXELS // (height * width))
        for first in range(0, many, few):
            self._fill(maps[first : first + few], channels)
        return maps.permute(0, 3, 1, 2)

    def _fill(self, maps: torch.Tensor, known: int) -> None:
        for layer in self.layers:
            maps[..., known : known + self.growth] = layer(maps[..., :known])
            known += self.growth
