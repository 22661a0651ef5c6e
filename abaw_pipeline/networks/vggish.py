"""VGGish, the sound network of AudioSet's embeddings; parameter names as torchvggish's checkpoints have them.

Architecture: Hershey et al., CNN Architectures for Large-Scale Audio Classification, ICASSP 2017 (VGG of Simonyan and
Zisserman, configuration A, without its last group of convolutions, on one channel, with 128 outputs).
"""

from __future__ import annotations

import torch
from torch import nn

GROUPS = ((64,), (128,), (256, 256), (512, 512))
"""Channels of the convolutions before each halving of the picture."""
WIDTH = 4096
DIMENSION = 128
CLIP = 2.0
"""Quantising covers [-2, 2]."""


class VGGish(nn.Module):
    """Input ``(B, 1, 96, 64)``: log-mel patches, time before frequency. 72.1 million parameters."""

    INPUT = (1, 96, 64)

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, height, width = self.INPUT
        for group in GROUPS:
            for to in group:
                layers += [nn.Conv2d(channels, to, 3, padding=1), nn.ReLU(inplace=True)]
                channels = to
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        self.features = nn.Sequential(*layers)
        self.embeddings = nn.Sequential(
            nn.Linear(height * width * channels, WIDTH),
            nn.ReLU(inplace=True),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(inplace=True),
            nn.Linear(WIDTH, DIMENSION),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Embeddings ``(B, 128)``, not negative."""
        # The weights come from TensorFlow, which flattens height, width, channels in that order.
        return self.embeddings(self.features(x).permute(0, 2, 3, 1).flatten(1))


class PCA(nn.Module):
    """AudioSet's principal components of the embeddings, whitened; names as in torchvggish's file of them."""

    INPUT = (DIMENSION,)

    def __init__(self) -> None:
        super().__init__()
        self.pca_eigen_vectors = nn.Parameter(torch.eye(DIMENSION))
        self.pca_means = nn.Parameter(torch.zeros(DIMENSION, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Embeddings ``(B, 128)`` to components ``(B, 128)``."""
        return (x - self.pca_means.T) @ self.pca_eigen_vectors.T


def quantised(components: torch.Tensor) -> torch.Tensor:
    """Components to whole numbers 0 to 255, in steps of 4 / 255 over [-2, 2]; what lies outside takes the end."""
    return torch.round((components.clamp(-CLIP, CLIP) + CLIP) * (255 / (2 * CLIP)))
