"""What several picture extractors do to a crop before their network sees it."""

from __future__ import annotations

import numpy as np

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


def standardised(picture: np.ndarray, statistics: tuple[tuple[float, ...], tuple[float, ...]]) -> np.ndarray:
    """RGB ``(h, w, 3)`` uint8 to ``(3, h, w)`` float32: scaled to [0, 1], minus mean, over standard deviation."""
    mean, deviation = (np.asarray(values, np.float32) for values in statistics)
    scaled = picture.astype(np.float32) / np.float32(255)
    return np.ascontiguousarray(((scaled - mean) / deviation).transpose(2, 0, 1))
