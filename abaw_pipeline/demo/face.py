"""A face that moves: a public-domain portrait, warped smoothly around mouth, brows, eyes and cheeks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from abaw_pipeline.demo.signals import CONTROLS

IDENTITY = ("jaw", "nose", "eyes_apart")
"""Fixed shape of one person's face, each in [-1, 1]; carries no signal."""

LANDMARKS = np.array([(163.4, 101.0), (206.5, 103.5), (184.1, 127.7), (164.0, 141.5), (203.0, 142.5)])
"""Left eye, right eye, nose tip, left and right mouth corner of the portrait at rest (x, y in pixels, image left)."""

CENTRE = np.array([185.0, 116.0])
"""Point of the portrait about which the head turns."""

# control: (x, y, spread x, spread y, push x, push y) of smooth bumps, in portrait pixels at control value 1.
_BUMPS: dict[str, tuple[tuple[float, float, float, float, float, float], ...]] = {
    "smile": ((164, 141.5, 10, 9, -2.5, -7.5), (203, 142.5, 10, 9, 2.5, -7.5), (184, 148, 10, 9, 0, 4)),
    "open": (
        (184, 153, 15, 8, 0, 13),
        (184, 172, 26, 16, 0, 9),
        (184, 141, 14, 7, 0, -2),
        (164, 142, 8, 8, 3, 2),
        (203, 143, 8, 8, -3, 2),
    ),
    "brow_up": ((159, 89, 13, 7, 0, -6.5), (208, 91, 13, 7, 0, -6.5)),
    "brow_down": ((171, 91, 8, 7, 3, 5), (196, 92, 8, 7, -3, 5)),
    "eye": (
        (163, 96.5, 10, 4.5, 0, -3.2),
        (206, 99, 10, 4.5, 0, -3.2),
        (163, 106, 10, 4.5, 0, 2.6),
        (206, 108.5, 10, 4.5, 0, 2.6),
    ),
    "cheek": ((154, 127, 12, 9, -2.5, -4), (214, 128, 12, 9, 2.5, -4)),
    "sneer": ((184, 140, 11, 5, 0, -2), (173, 128, 6, 7, -1, -3), (195, 128, 6, 7, 1, -3)),
    "press": ((184, 141, 15, 5, 0, 2), (184, 154, 15, 6, 0, -3), (164, 142, 7, 7, 3, 0), (203, 143, 7, 7, -3, 0)),
    "jaw": ((146, 155, 14, 20, -4, 0), (224, 157, 14, 20, 4, 0)),
    "nose": ((184, 124, 10, 9, 0, 2.5),),
    "eyes_apart": ((163, 101, 14, 12, -1.5, 0), (206, 103, 14, 12, 1.5, 0)),
}
_AT_REST = {"smile": 0.45, "open": 0.3}
"""Control values that the photograph itself shows."""

_CROP = (0, 300, 40, 420)
_LEFT, _TOP, _RIGHT, _BOTTOM = 95, 55, 275, 220
_MOUTH = np.array([(184.0, 144.5), (184.0, 151.5), (184.0, 147.5), (164.0, 141.5), (203.0, 142.5)])
_NO_SECOND_MAP = np.empty(0)  # OpenCV: the first map holds x and y
_LIP, _LINE, _THROAT = (88, 92, 168), (45, 38, 82), (38, 22, 58)


@dataclass(frozen=True)
class Person:
    """A portrait in one person's colours: ``image`` BGR and mask, uint8 ``(300, 380, 4)``, and the face's shape."""

    image: np.ndarray
    tone: np.ndarray
    identity: np.ndarray


def make_person(tone: np.ndarray, identity: np.ndarray) -> Person:
    """A person from the portrait.

    Args:
        tone: look-up table ``(256, 1, 3)`` uint8 applied to every colour.
        identity: values of ``IDENTITY``, shape ``(3,)``.
    """
    image, mask = _portrait()
    return Person(np.dstack([cv2.LUT(image, tone), mask]), tone, identity)


@lru_cache(maxsize=1)
def _portrait() -> tuple[np.ndarray, np.ndarray]:
    """The portrait (BGR) and the mask of the person in it."""
    from skimage.data import astronaut  # NASA portrait of Eileen Collins, public domain, part of the wheel

    top, bottom, left, right = _CROP
    image = np.ascontiguousarray(astronaut()[top:bottom, left:right, ::-1])
    mask = _person_mask(image)
    for brow in (((148, 90), (157, 88), (170, 91)), ((199, 93), (210, 91), (218, 95))):
        shade = np.zeros(image.shape[:2], np.uint8)
        cv2.polylines(shade, [np.array(brow, np.int32)], False, 255, 3, cv2.LINE_AA)
        image = _paint(image, cv2.GaussianBlur(shade, (0, 0), 1.0) / 255.0 * 0.8, (30, 45, 70))
    return image, mask


def _person_mask(image: np.ndarray) -> np.ndarray:
    outline = np.array(
        [
            [112, 60],
            [140, 20],
            [190, -5],
            [240, 0],
            [268, 40],
            [266, 90],
            [245, 115],
            [240, 150],
            [260, 160],
            [330, 200],
            [370, 299],
            [0, 299],
            [40, 200],
            [70, 140],
            [110, 120],
        ],
        np.int32,
    )
    labels = np.full(image.shape[:2], cv2.GC_BGD, np.uint8)
    cv2.fillPoly(labels, [outline], int(cv2.GC_PR_FGD))
    cv2.ellipse(labels, (187, 100), (45, 65), 0, 0, 360, int(cv2.GC_FGD), -1)
    cv2.rectangle(labels, (110, 215), (250, 299), int(cv2.GC_FGD), -1)
    cv2.setRNGSeed(0)  # grabCut draws its first clusters at random
    cv2.grabCut(image, labels, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8) * 255
    return cv2.GaussianBlur(cv2.erode(inside, np.ones((3, 3), np.uint8)), (0, 0), 1.2)


def _basis(points: np.ndarray) -> np.ndarray:
    """Displacement of every control at value 1: ``(..., K, 2)`` pixels at points ``(..., 2)``."""
    fields = []
    for bumps in _BUMPS.values():
        x, y, spread_x, spread_y, push_x, push_y = np.array(bumps).T
        far = ((points[..., 0, None] - x) / spread_x) ** 2 + ((points[..., 1, None] - y) / spread_y) ** 2
        fields.append(np.exp(-far / 2) @ np.stack([push_x, push_y], axis=1))
    return np.stack(fields, axis=-2)


@lru_cache(maxsize=1)
def _grid() -> tuple[np.ndarray, np.ndarray]:
    """Pixel positions ``(H, W, 2)`` of the moving part of the portrait, and the basis there, ``(K, H * W * 2)``."""
    x, y = np.meshgrid(np.arange(_LEFT, _RIGHT), np.arange(_TOP, _BOTTOM))
    points = np.stack([x, y], axis=-1).astype(np.float64)
    basis = np.moveaxis(_basis(points), -2, 0).reshape(len(_BUMPS), -1)
    return points.astype(np.float32), basis.astype(np.float32)


def weights(controls: np.ndarray, identity: np.ndarray) -> np.ndarray:
    """Weights ``(n, K)`` of the displacement basis for controls ``(n, len(CONTROLS))`` of one person."""
    rest = np.array([_AT_REST.get(name, 0.0) for name in CONTROLS])
    return np.concatenate([controls - rest, np.broadcast_to(identity, (len(controls), len(IDENTITY)))], axis=1)


def move(points: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Where points ``(p, 2)`` of the resting portrait go: ``(n, p, 2)`` for weights ``(n, K)``.

    The warp is defined backwards (each target pixel names its source), so the target is found by iteration.
    """
    target = np.repeat(points[None].astype(np.float64), len(weight), axis=0)
    for _ in range(12):
        target = points + np.einsum("npkc,nk->npc", _basis(target), weight)
    return target


def mouths(weight: np.ndarray) -> np.ndarray:
    """Upper and lower edge, middle, left and right corner of the mouth, ``(n, 5, 2)``."""
    return move(_MOUTH, weight)


def draw_face(person: Person, weight: np.ndarray, mouth: np.ndarray, gape: float) -> np.ndarray:
    """The portrait with one expression.

    Args:
        weight: ``(K,)`` of ``weights``.
        mouth: ``(5, 2)`` of ``mouths``.
        gape: how far the mouth is open, 0 to 1.

    Returns:
        BGR and mask, uint8 ``(300, 380, 4)``.
    """
    grid, basis = _grid()
    source = grid - (weight.astype(np.float32) @ basis).reshape(grid.shape)
    picture = person.image.copy()
    picture[_TOP:_BOTTOM, _LEFT:_RIGHT] = cv2.remap(person.image, source, _NO_SECOND_MAP, cv2.INTER_LINEAR)
    _paint_mouth(picture, mouth, gape, person.tone)
    return picture


def _paint_mouth(picture: np.ndarray, mouth: np.ndarray, gape: float, tone: np.ndarray) -> None:
    """Closed lips over the photograph's teeth, or the dark of an open mouth below them."""
    top, bottom, left, right = 128, 190, 148, 220
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
    upper, lower, middle, corner_l, corner_r = mouth
    part = picture[top:bottom, left:right, :3]
    closed, opened = np.clip((0.42 - gape) / 0.2, 0, 1), np.clip((gape - 0.4) / 0.25, 0, 1)
    if closed > 0:
        half = (corner_r[0] - corner_l[0]) / 2
        along = np.clip((x - (corner_l[0] + corner_r[0]) / 2) / half, -1.3, 1.3)
        ends = (corner_l[1] + corner_r[1]) / 2 + along * (corner_r[1] - corner_l[1]) / 2
        line = y - (ends + (middle[1] - ends) * (1 - along**2))
        window = np.clip((1.05 - np.abs(along)) / 0.25, 0, 1)
        part[:] = _paint(part, closed * window * np.exp(-((line / 4.2) ** 4)), _toned(_LIP, tone))
        part[:] = _paint(part, closed * window * np.exp(-((line / 1.3) ** 2)), _toned(_LINE, tone))
    if opened > 0:
        centre, height = (upper[1] + lower[1]) / 2 + 1, max((lower[1] - upper[1]) / 2 + 1.5, 1.0)
        far = ((x - middle[0]) / 15) ** 2 + ((y - centre) / height) ** 2
        part[:] = _paint(part, opened * np.clip((1.25 - far) / 0.5, 0, 1), _toned(_THROAT, tone))


def _toned(colour: tuple[int, int, int], tone: np.ndarray) -> np.ndarray:
    return tone[list(colour), 0, [0, 1, 2]].astype(np.float32)


def _paint(image: np.ndarray, share: np.ndarray, colour: np.ndarray | tuple[int, int, int]) -> np.ndarray:
    amount = share.astype(np.float32)[..., None]
    return (image * (1 - amount) + np.asarray(colour, np.float32) * amount + 0.5).astype(np.uint8)
