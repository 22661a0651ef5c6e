"""DenseNet-BC-100 for 64x64 grey faces, 342 features; parameter names as its public checkpoint has them.

Architecture: Huang et al., Densely Connected Convolutional Networks, CVPR 2017 (growth 12, three blocks of 16
bottleneck layers, compression 0.5), with one input channel and a first convolution of stride 2.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional

from abaw_pipeline.networks.dense_block import LeanDenseBlock

GROWTH = 12
BOTTLENECK = 4 * GROWTH
BLOCKS = (16, 16, 16)
STEM = 24


class _DenseLayer(nn.Sequential):
    """BN, ReLU, 1x1 convolution, BN, ReLU, 3x3 convolution; the output is appended to the input's channels."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            OrderedDict(
                norm1=nn.BatchNorm2d(channels),
                relu1=nn.ReLU(inplace=True),
                conv1=nn.Conv2d(channels, BOTTLENECK, 1, bias=False),
                norm2=nn.BatchNorm2d(BOTTLENECK),
                relu2=nn.ReLU(inplace=True),
                conv2=nn.Conv2d(BOTTLENECK, GROWTH, 3, padding=1, bias=False),
            )
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, super().forward(x)], 1)


class _Block(nn.Sequential):
    def __init__(self, channels: int, layers: int) -> None:
        super().__init__(
            OrderedDict((f"denselayer{i + 1}", _DenseLayer(channels + i * GROWTH)) for i in range(layers)),
        )

    def lean(self) -> nn.Module:
        return LeanDenseBlock(self, GROWTH)


class _Transition(nn.Sequential):
    def __init__(self, channels: int, to: int) -> None:
        super().__init__(
            OrderedDict(
                norm=nn.BatchNorm2d(channels),
                relu=nn.ReLU(inplace=True),
                conv=nn.Conv2d(channels, to, 1, bias=False),
                pool=nn.AvgPool2d(2),
            )
        )

    def lean(self) -> nn.Module:
        """Means are taken before the channels are mixed, of which there are fewer places then."""
        norm, relu, convolution, pool = self.children()
        return nn.Sequential(norm, relu, pool, convolution)


class DenseNet342(nn.Module):
    """Input ``(B, 1, 64, 64)``; ``classifier`` (eight expressions) is only there because the checkpoint has it."""

    INPUT = (1, 64, 64)

    def __init__(self) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict(conv0=nn.Conv2d(1, STEM, 3, stride=2, padding=1, bias=False))
        channels = STEM
        for number, depth in enumerate(BLOCKS, start=1):
            layers[f"denseblock{number}"] = _Block(channels, depth)
            channels += depth * GROWTH
            if number < len(BLOCKS):
                layers[f"transition{number}"] = _Transition(channels, channels // 2)
                channels //= 2
        layers[f"norm{len(BLOCKS)}"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(layers)
        self.classifier = nn.Linear(channels, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features ``(B, 342)``, not negative."""
        return functional.avg_pool2d(functional.relu(self.features(x)), 8).flatten(1)
