"""Where a face lies in an aligned crop: pure geometry, and the one warp that applies it."""

from __future__ import annotations

import cv2
import numpy as np

TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Eyes, tip of the nose, corners of the mouth in a 112x112 crop: the ArcFace template (Deng et al., 2019,
arXiv:1801.07698), the image's left side first."""

_BOX_SIDE, _BOX_TOP = 1.08, 0.107
"""Side and upper margin of the crop around a square face box, in widths of the box. Set so that the mean of the five
landmarks, and the distance from eyes to mouth, of faces in boxes of OpenCV's Haar cascade fall on the template's."""


def from_landmarks(points: np.ndarray, size: int) -> np.ndarray:
    """Similarity transform ``(2, 3)`` from pixels of the picture to pixels of a ``size`` x ``size`` crop.

    Least squares over five landmarks ``(5, 2)`` without reflection (Umeyama, 1991), in closed form: with points as
    complex numbers, the transform is ``z -> a z + b``.

    Raises:
        ValueError: all landmarks are one point.
    """
    source, target = points @ [1, 1j], TEMPLATE @ [1, 1j] * (size / 112)
    centred = source - source.mean()
    spread = float(np.sum(np.abs(centred) ** 2))
    if spread < 1e-6:
        raise ValueError("the five landmarks of a face are one point")
    a = np.sum(np.conj(centred) * (target - target.mean())) / spread
    b = target.mean() - a * source.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def from_box(box: np.ndarray, size: int) -> np.ndarray:
    """Scaling ``(2, 3)`` of a face box (x, y, width, height) with its margin to a ``size`` x ``size`` crop."""
    x, y, width, height = box
    side = _BOX_SIDE * max(width, height)
    left, top = x + (width - side) / 2, y - _BOX_TOP * height
    scale = size / side
    return np.array([[scale, 0, -scale * left], [0, scale, -scale * top]])


def cut(picture: np.ndarray, transform: np.ndarray, size: int) -> np.ndarray:
    """The crop ``(size, size, 3)``; black where it reaches past the picture.

    A large face is first shrunk by whole factors with area averaging, because a warp samples only neighbouring
    pixels and would alias.
    """
    factor = int(1 / np.hypot(transform[0, 0], transform[1, 0]))
    if factor >= 2:
        height, width = picture.shape[0] // factor, picture.shape[1] // factor
        whole = picture[: height * factor, : width * factor]
        picture = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
        # Centre of small pixel u lies at factor * u + (factor - 1) / 2 in the large picture.
        grow = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1]])
        transform = transform @ grow
    return cv2.warpAffine(picture, transform, (size, size), flags=cv2.INTER_LINEAR)
