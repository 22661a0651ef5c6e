"""Pictures as JPEG."""

from __future__ import annotations

import cv2
import numpy as np


def as_jpeg(picture: np.ndarray, quality: int) -> bytes:
    """A BGR picture ``(H, W, 3)`` uint8, encoded."""
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done  # a picture of this shape can always be encoded
    return data.tobytes()
