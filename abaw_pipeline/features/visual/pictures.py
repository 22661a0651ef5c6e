"""What several picture extractors do to a crop before their network sees it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from abaw_pipeline.features.base import Statistics

if TYPE_CHECKING:
    import torch

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation per RGB channel, of pictures in [0, 1]."""
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
"""Maps [0, 1] to [-1, 1]."""


def resized(picture: np.ndarray, size: int) -> np.ndarray:
    """The whole crop ``(H, W, C)`` at ``(size, size, C)``: bicubic when enlarging, area means when shrinking."""
    import cv2

    height, width = picture.shape[:2]
    if (height, width) == (size, size):
        return picture
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_CUBIC if size > height else cv2.INTER_AREA)


def standardised(batch: torch.Tensor, statistics: Statistics) -> torch.Tensor:
    """Pictures ``(B, h, w, C)`` uint8 to ``(B, C, h, w)`` float32: in [0, 1], minus mean, over standard deviation.

    On the device: a quarter of the bytes goes there. The result lies channels last, as the pictures did.
    """
    many, height, width, channels = batch.shape
    scale, shift = _row(statistics, width, batch.device)
    scaled = batch.reshape(many, height, width * channels).float().mul_(scale).add_(shift)
    return scaled.view(many, height, width, channels).permute(0, 3, 1, 2)


@cache
def _row(statistics: Statistics, width: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Factor and summand of each value of one row of pixels: loops run over rows, not over three channels."""
    import torch

    mean, deviation = (np.asarray(values, np.float64) for values in statistics)
    pair = (1 / (255 * deviation), -mean / deviation)
    scale, shift = (torch.from_numpy(np.tile(values, width).astype(np.float32)).to(device) for values in pair)
    return scale, shift
