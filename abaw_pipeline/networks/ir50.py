"""The first three stages of IR50, the face recognition network of ArcFace; names as PosterV2's checkpoint has them.

Architecture: Deng et al., ArcFace, CVPR 2019, section 3.1 («improved residual unit»: BN, convolution, PReLU,
convolution, BN; no activation after the addition), ResNet-50 of the two-convolution kind (3, 4, 14 units; the fourth
stage of three units is not in the checkpoint). The numbering of its layers leaves no room for a BN between the first
convolution and the PReLU.

Assumptions, because no key tells: the second convolution of a unit carries the stride, as in ArcFace; a shortcut that
strides without changing its width has no key in the checkpoint, so it takes every second pixel.
"""

from __future__ import annotations

import torch
from torch import nn

from abaw_pipeline.networks.mobilefacenet import Maps

STEM = 64
STAGES = ((64, 3), (128, 4), (256, 14))
"""Width and units of each stage."""
LAST = 512
"""Width of the fourth stage, which only the head in the checkpoint remembers."""


class _Unit(nn.Module):
    def __init__(self, channels: int, to: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer: nn.Module = nn.MaxPool2d(1, stride)
        if channels != to:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(channels, to, 1, stride, bias=False),
                nn.BatchNorm2d(to),
            )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, to, 3, 1, 1, bias=False),
            nn.PReLU(to),
            nn.Conv2d(to, to, 3, stride, 1, bias=False),
            nn.BatchNorm2d(to),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.res_layer(x) + self.shortcut_layer(x)


def _stage(channels: int, to: int, depth: int) -> nn.Sequential:
    """``depth`` units, the first of which halves the picture."""
    return nn.Sequential(_Unit(channels, to, 2), *(_Unit(to, to, 1) for _ in range(depth - 1)))


class IR50(nn.Module):
    """Input ``(B, 3, 112, 112)``; ``output_layer`` is only there because the checkpoint has it."""

    INPUT = (3, 112, 112)

    def __init__(self) -> None:
        super().__init__()
        widths = (STEM, *(width for width, _ in STAGES))
        self.input_layer = nn.Sequential(nn.Conv2d(3, STEM, 3, 1, 1, bias=False), nn.BatchNorm2d(STEM), nn.PReLU(STEM))
        self.body1 = _stage(widths[0], *STAGES[0])
        self.body2 = _stage(widths[1], *STAGES[1])
        self.body3 = _stage(widths[2], *STAGES[2])
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(LAST),
            nn.Dropout(0.0),
            nn.Flatten(),
            nn.Linear(LAST * 7 * 7, LAST),
            nn.BatchNorm1d(LAST),
        )

    def forward(self, x: torch.Tensor) -> Maps:
        """Maps ``(B, 64, 56, 56)``, ``(B, 128, 28, 28)`` and ``(B, 256, 14, 14)``."""
        fine = self.body1(self.input_layer(x))
        middle = self.body2(fine)
        return fine, middle, self.body3(middle)
