"""Inception-ResNet-v1 for 160x160 faces; parameter names as facenet-pytorch's public checkpoints have them.

Architecture: Szegedy et al., Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning, AAAI
2017 (figures 10 to 14; residuals are scaled down before they are added, section 3.3), with a projection to 512
features as face recognition trains it. A branch's layers are written ``(channels, kernel, stride, padding)``.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

EPS = 1e-3
DIMENSION = 512

Size = int | tuple[int, int]
Layer = tuple[int, Size, int, Size]


class _Convolution(nn.Module):
    """Convolution without bias, BatchNorm, ReLU."""

    def __init__(self, channels: int, to: int, kernel: Size, stride: int = 1, padding: Size = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, to, kernel, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(to, eps=EPS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.bn(self.conv(x)))


def _branch(channels: int, *layers: Layer) -> nn.Module:
    """One convolution by itself, several in a row."""
    inputs = (channels, *(layer[0] for layer in layers))
    built = [_Convolution(inputs[i], *layer) for i, layer in enumerate(layers)]
    return built[0] if len(built) == 1 else nn.Sequential(*built)


class _Branches(nn.Module):
    """Branches over one input, named ``branch0``, ``branch1``, ...; their outputs stand side by side."""

    def __init__(self, channels: int, *branches: tuple[Layer, ...]) -> None:
        super().__init__()
        self.names = [f"branch{number}" for number in range(len(branches))]
        for name, layers in zip(self.names, branches, strict=True):
            self.add_module(name, _branch(channels, *layers))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.get_submodule(name)(x) for name in self.names], 1)


class _Reduction(_Branches):
    """Branches of stride 2, and beside them the input itself, pooled: half the side, more channels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([super().forward(x), functional.max_pool2d(x, 3, stride=2)], 1)


class _Residual(_Branches):
    """``x + scale * conv2d(branches(x))``, then ReLU unless it is the last block."""

    def __init__(self, channels: int, *branches: tuple[Layer, ...], scale: float, last: bool = False) -> None:
        super().__init__(channels, *branches)
        self.conv2d = nn.Conv2d(sum(layers[-1][0] for layers in branches), channels, 1)
        self.scale, self.last = scale, last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x + self.scale * self.conv2d(super().forward(x))
        return y if self.last else functional.relu(y)


def _block35() -> _Residual:
    reduce, three = (32, 1, 1, 0), (32, 3, 1, 1)
    return _Residual(256, (reduce,), (reduce, three), (reduce, three, three), scale=0.17)


def _block17() -> _Residual:
    reduce = (128, 1, 1, 0)
    return _Residual(896, (reduce,), (reduce, (128, (1, 7), 1, (0, 3)), (128, (7, 1), 1, (3, 0))), scale=0.10)


def _block8(scale: float = 0.20, last: bool = False) -> _Residual:
    reduce = (192, 1, 1, 0)
    layers = (reduce, (192, (1, 3), 1, (0, 1)), (192, (3, 1), 1, (1, 0)))
    return _Residual(1792, (reduce,), layers, scale=scale, last=last)


def _mixed_6a() -> _Reduction:
    return _Reduction(256, ((384, 3, 2, 0),), ((192, 1, 1, 0), (192, 3, 1, 1), (256, 3, 2, 0)))


def _mixed_7a() -> _Reduction:
    reduce, halve = (256, 1, 1, 0), (256, 3, 2, 0)
    return _Reduction(896, (reduce, (384, 3, 2, 0)), (reduce, halve), (reduce, (256, 3, 1, 1), halve))


class InceptionResnetV1(nn.Module):
    """Input ``(B, 3, 160, 160)``; 23.5 million parameters, without the classifier over its training identities."""

    INPUT = (3, 160, 160)

    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1a = _Convolution(3, 32, 3, stride=2)
        self.conv2d_2a = _Convolution(32, 32, 3)
        self.conv2d_2b = _Convolution(32, 64, 3, padding=1)
        self.maxpool_3a = nn.MaxPool2d(3, stride=2)
        self.conv2d_3b = _Convolution(64, 80, 1)
        self.conv2d_4a = _Convolution(80, 192, 3)
        self.conv2d_4b = _Convolution(192, 256, 3, stride=2)
        self.repeat_1 = nn.Sequential(*(_block35() for _ in range(5)))
        self.mixed_6a = _mixed_6a()
        self.repeat_2 = nn.Sequential(*(_block17() for _ in range(10)))
        self.mixed_7a = _mixed_7a()
        self.repeat_3 = nn.Sequential(*(_block8() for _ in range(5)))
        self.block8 = _block8(scale=1.0, last=True)
        self.last_linear = nn.Linear(1792, DIMENSION, bias=False)
        self.last_bn = nn.BatchNorm1d(DIMENSION, eps=EPS)

    def maps(self, x: torch.Tensor) -> torch.Tensor:
        """What is pooled: ``(B, 1792, 3, 3)``."""
        x = self.maxpool_3a(self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x))))
        x = self.conv2d_4b(self.conv2d_4a(self.conv2d_3b(x)))
        x = self.repeat_2(self.mixed_6a(self.repeat_1(x)))
        return self.block8(self.repeat_3(self.mixed_7a(x)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Embeddings ``(B, 512)`` of length 1."""
        return functional.normalize(self.last_bn(self.last_linear(self.maps(x).mean((2, 3)))))
