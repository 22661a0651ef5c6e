"""What several picture extractors do to a crop before their network sees it."""

from __future__ import annotations

from functools import cache

import numpy as np

Statistics = tuple[tuple[float, ...], tuple[float, ...]]
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


def standardised(picture: np.ndarray, statistics: Statistics) -> np.ndarray:
    """RGB ``(h, w, 3)`` uint8 to ``(3, h, w)`` float32: scaled to [0, 1], minus mean, over standard deviation."""
    out = np.empty((3, *picture.shape[:2]), np.float32)
    for channel, table in enumerate(_tables(statistics)):
        np.take(table, picture[..., channel], out=out[channel], mode="clip")  # half the time of the arithmetic
    return out


@cache
def _tables(statistics: Statistics) -> np.ndarray:
    """``(3, 256)``: what each of the 256 values becomes in each channel."""
    mean, deviation = (np.asarray(values, np.float32)[:, None] for values in statistics)
    return (np.arange(256, dtype=np.float32) / np.float32(255) - mean) / deviation
