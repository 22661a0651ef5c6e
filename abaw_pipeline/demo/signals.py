"""The hidden curves of the built-in corpus: valence, arousal, what the face does, and the labels that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import erf

GRID_HZ = 100.0
"""Samples per second of every hidden curve; pictures, sound and labels interpolate between them."""

CONTROLS = ("smile", "open", "brow_up", "brow_down", "eye", "cheek", "sneer", "press")
"""What a face can do. ``smile`` and ``eye`` lie in [-1, 1] (frown to smile, squint to wide), the rest in [0, 1]."""

_RULES = {
    "AU1": ("brow_up", 0.5),
    "AU2": ("brow_up", 0.65),
    "AU4": ("brow_down", 0.6),
    "AU6": ("cheek", 0.45),
    "AU7": ("eye", -0.35),
    "AU10": ("sneer", 0.45),
    "AU12": ("smile", 0.25),
    "AU15": ("smile", -0.4),
    "AU23": ("press", 0.6),
    "AU24": ("press", 0.72),
    "AU25": ("open", 0.4),
    "AU26": ("open", 0.65),
}
_BELOW = ("AU7", "AU15")
"""Action units that are present below their threshold instead of above it."""

_SECTORS = (
    (35.0, 4),  # Happiness
    (110.0, 6),  # Surprise
    (145.0, 3),  # Fear
    (180.0, 1),  # Anger
    (215.0, 2),  # Disgust
    (275.0, 5),  # Sadness
    (330.0, 7),  # Other
    (360.0, 4),  # Happiness
)
"""Upper edge (degrees of the angle from positive valence towards positive arousal) and expression class."""
_COMPOUND_SECTORS = (
    (60.0, 1),  # Happily_Surprised
    (125.0, 0),  # Fearfully_Surprised
    (160.0, 4),  # Angrily_Surprised
    (185.0, 5),  # Sadly_Fearful
    (210.0, 3),  # Disgustedly_Surprised
    (260.0, 6),  # Sadly_Angry
    (320.0, 2),  # Sadly_Surprised
    (360.0, 1),  # Happily_Surprised
)
"""The same of compound expressions: each lies where one of its two expressions does, if not between them."""
_NEUTRAL_RADIUS = 0.35


@dataclass(frozen=True)
class Emotion:
    """One person's hidden curves on the grid.

    ``valence`` and ``arousal`` have shape ``(n,)`` in [-1, 1]; ``controls`` has shape ``(n, len(CONTROLS))``.
    """

    valence: np.ndarray
    arousal: np.ndarray
    controls: np.ndarray

    def at(self, times: np.ndarray) -> Emotion:
        """The curves at ``times`` (seconds, shape ``(m,)``)."""
        columns = [self.valence, self.arousal, *self.controls.T]
        found = [sample(column, times) for column in columns]
        return Emotion(found[0], found[1], np.stack(found[2:], axis=1))


def sample(curve: np.ndarray, times: np.ndarray) -> np.ndarray:
    """A grid curve at ``times`` (seconds), linear between samples, its end values outside."""
    return np.interp(times, np.arange(len(curve)) / GRID_HZ, curve)


def draw_arousal(
    rng: np.random.Generator, seconds: float, longest: float | None = None, mean: float = 0.0
) -> np.ndarray:
    """An arousal curve in [-1, 1], shared by everybody in one recording.

    Args:
        seconds: length of the picture.
        longest: length of the curve, where the sound outlasts the picture.
        mean: of the curve over the picture; 0: a clip's mean label says nothing.
    """
    return _around(mean, _spread(_wander(rng, longest or seconds), _rows(seconds)))


def draw_emotion(rng: np.random.Generator, arousal: np.ndarray, seconds: float, mean: float = 0.0) -> Emotion:
    """One person's curves around a given arousal.

    Valence is made uncorrelated with arousal over the picture's ``seconds``, so neither can be predicted from the
    other; both traverse most of the range that their mean leaves them.

    Args:
        mean: of valence over the picture.
    """
    longest, shown = len(arousal) / GRID_HZ, _rows(seconds)
    raw, seen = _wander(rng, longest), arousal[:shown] - arousal[:shown].mean()
    valence = _around(mean, _spread(raw - arousal * (raw[:shown] @ seen) / (seen @ seen), shown))
    own = [(_spread(_wander(rng, longest), shown) + 1) / 2 for _ in range(5)]
    return Emotion(valence, arousal, _controls(valence, arousal, own))


def _rows(seconds: float) -> int:
    return round(seconds * GRID_HZ)


def _wander(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """A smooth random curve: slow sinusoids (periods 1.8 to 5.5 s, slower ones stronger) with random phases."""
    times = np.arange(_rows(seconds)) / GRID_HZ
    periods = rng.uniform(1.8, 5.5, 6)
    phases = rng.uniform(0, 2 * np.pi, 6)
    return np.sin(2 * np.pi * times[:, None] / periods + phases) @ np.sqrt(periods)


def _spread(curve: np.ndarray, shown: int) -> np.ndarray:
    """Centre a curve over its first ``shown`` samples and flatten its distribution to fill most of [-1, 1]."""
    scaled = (curve - curve[:shown].mean()) / curve[:shown].std()
    flat = 0.95 * erf(0.8 * scaled)
    return np.clip(flat - flat[:shown].mean(), -1, 1)


def _around(mean: float, centred: np.ndarray) -> np.ndarray:
    """A centred curve in [-1, 1], moved to a mean and made so small that it stays in [-1, 1]."""
    return mean + (1 - abs(mean)) * centred


def _controls(valence: np.ndarray, arousal: np.ndarray, own: list[np.ndarray]) -> np.ndarray:
    """What the face does: valence and arousal boldly, plus a little (``own``, in [0, 1]) of its own.

    Every AU but the mouth corners and the eyes has such an own part, so action units are not a mere function of the
    other two tasks.
    """
    awake, sad = (arousal + 1) / 2, (1 - valence) / 2
    columns = {
        "smile": valence,
        "open": 0.85 * awake + 0.15 * own[0],
        "brow_up": 0.75 * awake + 0.25 * own[1],
        "brow_down": 0.8 * sad + 0.2 * own[2],
        "eye": arousal,
        "cheek": np.maximum(valence, 0) * (0.8 + 0.2 * own[3]),
        "sneer": 0.7 * sad + 0.3 * own[3],
        "press": 0.75 * (1 - awake) + 0.25 * own[4],
    }
    return np.stack([columns[name] for name in CONTROLS], axis=1)


def action_units(controls: np.ndarray) -> np.ndarray:
    """The twelve action units, 0/1 ``(n, 12)`` in the organisers' order, of controls ``(n, len(CONTROLS))``."""
    columns = []
    for unit, (control, threshold) in _RULES.items():
        value = controls[:, CONTROLS.index(control)]
        columns.append(value < threshold if unit in _BELOW else value > threshold)
    return np.stack(columns, axis=1).astype(np.int64)


def expressions(valence: np.ndarray, arousal: np.ndarray) -> np.ndarray:
    """Expression class 0 to 7, ``(n,)``: neutral near the origin, else by the angle in the valence-arousal plane."""
    return np.where(_neutral(valence, arousal), 0, _sector(valence, arousal, _SECTORS))


def compound_expressions(valence: np.ndarray, arousal: np.ndarray) -> np.ndarray:
    """Compound expression 0 to 6, ``(n,)``, by the angle; -1 near the origin, where nobody would annotate one."""
    return np.where(_neutral(valence, arousal), -1, _sector(valence, arousal, _COMPOUND_SECTORS))


def _neutral(valence: np.ndarray, arousal: np.ndarray) -> np.ndarray:
    return np.hypot(valence, arousal) < _NEUTRAL_RADIUS


def _sector(valence: np.ndarray, arousal: np.ndarray, sectors: Sequence[tuple[float, int]]) -> np.ndarray:
    angle = np.degrees(np.arctan2(arousal, valence)) % 360
    edges = np.array([edge for edge, _ in sectors])
    classes = np.array([number for _, number in sectors])
    return np.asarray(classes[np.minimum(np.searchsorted(edges, angle), len(edges) - 1)])
