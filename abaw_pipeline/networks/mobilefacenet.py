"""MobileFaceNet for 68 facial landmarks; parameter names as PosterV2's public checkpoint has them.

Architecture: Chen et al., MobileFaceNets, CCBR 2018, table 1: a convolution, a depthwise one, then bottlenecks of
MobileNetV2's kind with PReLU, the last layer of each without activation. Expansion, width and stride follow from the
shapes of the keys. Assumption, because no key tells: a bottleneck that neither strides nor changes the width adds its
input (Sandler et al., MobileNetV2, CVPR 2018).
"""

from __future__ import annotations

import torch
from torch import nn

STEM = 64
LANDMARKS = 68
Maps = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class _Linear(nn.Module):
    """Convolution and BN, without activation."""

    def __init__(self, channels: int, to: int, kernel: int = 1, stride: int = 1, padding: int = 0, groups: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(channels, to, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(to)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.bn(self.conv(x))


class _Active(_Linear):
    """Convolution, BN and PReLU."""

    def __init__(self, channels: int, to: int, kernel: int = 1, stride: int = 1, padding: int = 0, groups: int = 1):
        super().__init__(channels, to, kernel, stride, padding, groups)
        self.prelu = nn.PReLU(to)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.prelu(super().forward(x))


class _Bottleneck(nn.Module):
    """1x1 to ``width`` channels, 3x3 depthwise, 1x1 to ``to`` channels."""

    def __init__(self, channels: int, width: int, to: int, stride: int) -> None:
        super().__init__()
        self.conv = _Active(channels, width)
        self.conv_dw = _Active(width, width, 3, stride, 1, width)
        self.project = _Linear(width, to)
        self.residual = stride == 1 and channels == to

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.project(self.conv_dw(self.conv(x)))
        return x + y if self.residual else y


class _Stage(nn.Module):
    """Bottlenecks that keep the size of the map."""

    def __init__(self, channels: int, width: int, depth: int) -> None:
        super().__init__()
        self.model = nn.Sequential(*(_Bottleneck(channels, width, channels, 1) for _ in range(depth)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


class _LandmarkHead(nn.Module):
    """Coordinates of the landmarks. PosterV2 stops at the maps before it; it is here because the checkpoint has it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_6_dw = _Linear(512, 512, 7, groups=512)
        self.linear = nn.Linear(512, 2 * LANDMARKS, bias=False)
        self.bn = nn.BatchNorm1d(2 * LANDMARKS)


class MobileFaceNet(nn.Module):
    """Input ``(B, 3, 112, 112)``; gives the maps that know where the landmarks are, not their coordinates."""

    INPUT = (3, 112, 112)

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _Active(3, STEM, 3, 2, 1)
        self.conv2_dw = _Active(STEM, STEM, 3, 1, 1, STEM)
        self.conv_23 = _Bottleneck(STEM, 128, 64, 2)
        self.conv_3 = _Stage(64, 128, 4)
        self.conv_34 = _Bottleneck(64, 256, 128, 2)
        self.conv_4 = _Stage(128, 256, 6)
        self.conv_45 = _Bottleneck(128, 512, 128, 2)
        self.conv_5 = _Stage(128, 256, 2)
        self.conv_6_sep = _Active(128, 512)
        self.output_layer = _LandmarkHead()

    def forward(self, x: torch.Tensor) -> Maps:
        """Maps ``(B, 64, 28, 28)``, ``(B, 128, 14, 14)`` and ``(B, 512, 7, 7)``: the end of each resolution."""
        fine = self.conv_3(self.conv_23(self.conv2_dw(self.conv1(x))))
        middle = self.conv_4(self.conv_34(fine))
        return fine, middle, self.conv_6_sep(self.conv_5(self.conv_45(middle)))
