"""IResNet100, the face recognition network of ArcFace; parameter names as insightface's ``backbone.pth`` has them.

Architecture: Duta et al., Improved Residual Networks, ICPR 2021, in the form used by Deng et al., ArcFace, CVPR 2019
(block: BN, convolution, BN, PReLU, convolution, BN; no activation after the addition).
"""

from __future__ import annotations

import torch
from torch import nn

EPS = 1e-5
WIDTHS = (64, 128, 256, 512)
DIMENSION = 512


class _Block(nn.Module):
    def __init__(self, channels: int, to: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels, eps=EPS)
        self.conv1 = nn.Conv2d(channels, to, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(to, eps=EPS)
        self.prelu = nn.PReLU(to)
        self.conv2 = nn.Conv2d(to, to, 3, stride=stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(to, eps=EPS)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels != to:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, to, 1, stride=stride, bias=False), nn.BatchNorm2d(to, eps=EPS)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        return self.bn3(self.conv2(y)) + shortcut


def _layer(channels: int, to: int, depth: int) -> nn.Sequential:
    """``depth`` blocks, the first of which halves the picture."""
    return nn.Sequential(_Block(channels, to, 2), *(_Block(to, to, 1) for _ in range(depth - 1)))


class IResNet(nn.Module):
    """Input ``(B, 3, 112, 112)``; ``depths`` are the blocks per layer."""

    INPUT = (3, 112, 112)

    def __init__(self, depths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0], eps=EPS)
        self.prelu = nn.PReLU(WIDTHS[0])
        self.layer1 = _layer(WIDTHS[0], WIDTHS[0], depths[0])
        self.layer2 = _layer(WIDTHS[0], WIDTHS[1], depths[1])
        self.layer3 = _layer(WIDTHS[1], WIDTHS[2], depths[2])
        self.layer4 = _layer(WIDTHS[2], WIDTHS[3], depths[3])
        self.bn2 = nn.BatchNorm2d(WIDTHS[3], eps=EPS)
        self.dropout = nn.Dropout(0.0)
        self.fc = nn.Linear(WIDTHS[3] * 7 * 7, DIMENSION)
        self.features = nn.BatchNorm1d(DIMENSION, eps=EPS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Embeddings ``(B, 512)``, not normalised to length."""
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.features(self.fc(self.dropout(self.bn2(x)).flatten(1)))


def iresnet100() -> IResNet:
    """65.2 million parameters."""
    return IResNet((3, 13, 30, 3))
