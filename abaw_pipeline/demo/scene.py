"""Where a face stands: backdrop, head pose, colours of the light, and the aligned crop."""

from __future__ import annotations

import cv2
import numpy as np

from abaw_pipeline.demo.cast import HEIGHT, WIDTH
from abaw_pipeline.demo.face import CENTRE

ARCFACE = np.array([(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)])
"""Five-point template of ArcFace crops, 112 pixels square (Deng et al., 2019)."""

CROP = 112


def draw_tone(rng: np.random.Generator) -> np.ndarray:
    """Brightness, contrast, gamma and tint of one person's picture: a look-up table ``(256, 1, 3)`` uint8."""
    level = np.arange(256)[:, None, None] / 255.0
    contrast, bright, gamma = rng.uniform(0.85, 1.15), rng.uniform(-0.05, 0.05), rng.uniform(0.85, 1.18)
    tint = rng.uniform(0.94, 1.06, 3)
    return (np.clip((level**gamma - 0.5) * contrast + 0.5 + bright, 0, 1) * tint * 255).clip(0, 255).astype(np.uint8)


def draw_backdrop(rng: np.random.Generator) -> np.ndarray:
    """A blurred room of random colours, BGR uint8 ``(HEIGHT, WIDTH, 3)``."""
    coarse = _colour(rng) + rng.normal(0, 14, (5, 7, 1)) + rng.normal(0, 7, (5, 7, 3))
    picture = cv2.resize(coarse.astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(2, 6))):
        x, y = int(rng.integers(WIDTH)), int(rng.integers(HEIGHT))
        size = rng.integers(20, 110, 2)
        cv2.rectangle(picture, (x, y), (x + int(size[0]), y + int(size[1])), tuple(_colour(rng).tolist()), -1)
    return cv2.GaussianBlur(picture, (0, 0), 3).clip(0, 255).astype(np.uint8)


def _colour(rng: np.random.Generator) -> np.ndarray:
    """A rather grey colour of any brightness."""
    return rng.uniform(50, 190) + rng.normal(0, 16, 3)


def draw_poses(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """Head pose at every frame, carrying no signal: matrices ``(n, 2, 3)`` from portrait to picture pixels."""
    sway = [_sway(rng, times) for _ in range(4)]
    scale = rng.uniform(0.95, 1.12) * (1 + 0.02 * sway[0])
    angle = np.radians(rng.uniform(-3, 3) + 2.5 * sway[1])
    middle = np.array([WIDTH / 2, HEIGHT / 2 + 2]) + rng.uniform(-8, 8, 2)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    turn = np.stack([np.stack([cosine, -sine], 1), np.stack([sine, cosine], 1)], 1)
    shift = middle + 3 * np.stack(sway[2:], axis=1) - turn @ CENTRE
    return np.concatenate([turn, shift[:, :, None]], axis=2)


def _sway(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    periods, phases = rng.uniform(1.5, 6, 4), rng.uniform(0, 2 * np.pi, 4)
    return np.sin(2 * np.pi * times[:, None] / periods + phases).mean(axis=1) * 1.6


def stand(face: np.ndarray, pose: np.ndarray, backdrop: np.ndarray) -> np.ndarray:
    """A face (BGR and mask) in front of the backdrop, BGR uint8."""
    placed = cv2.warpAffine(face, pose, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    share = placed[:, :, 3:].astype(np.uint16)
    mixed = placed[:, :, :3] * share + backdrop * (255 - share)
    return (mixed // 255).astype(np.uint8)


def place(points: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """Portrait points ``(n, p, 2)`` in picture pixels."""
    return np.einsum("nij,npj->npi", poses[:, :, :2], points) + poses[:, None, :, 2]


def aligned_crop(picture: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The face turned onto the ArcFace template: least-squares similarity of five points ``(5, 2)``."""
    source, target = landmarks[:, 0] + 1j * landmarks[:, 1], ARCFACE[:, 0] + 1j * ARCFACE[:, 1]
    away, wanted = source - source.mean(), target - target.mean()
    turn = np.vdot(away, wanted) / np.vdot(away, away).real
    shift = target.mean() - turn * source.mean()
    matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    return cv2.warpAffine(picture, matrix, (CROP, CROP), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
