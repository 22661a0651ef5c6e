"""A voice whose pitch, loudness and syllable rate follow arousal, and nothing else that is labelled.

A harmonic source through a cascade of formant peaks (source-filter model, Fant 1960) under a syllable envelope.
"""

from __future__ import annotations

import numpy as np

from abaw_pipeline.demo.signals import sample

SAMPLE_RATE = 22_050
_HARMONICS = 24
# First three formants of five vowels, Hz.
_VOWELS = np.array([(730, 1090, 2440), (530, 1840, 2480), (390, 1990, 2550), (570, 840, 2410), (440, 1020, 2240)])
_BANDWIDTHS = np.array([90.0, 120.0, 180.0])


def speak(rng: np.random.Generator, arousal: np.ndarray, seconds: float) -> np.ndarray:
    """Sound of one speaker.

    Args:
        arousal: curve on the grid of ``signals``, in [-1, 1]; held beyond its end.
        seconds: length of the sound.

    Returns:
        float32 ``(seconds * SAMPLE_RATE,)`` in [-1, 1].
    """
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    excited = sample(arousal, times)
    beat = np.cumsum(3.2 + 1.6 * excited) / SAMPLE_RATE + rng.uniform()
    jitter = sample(_slow_noise(rng, seconds), times)
    pitch = 150 * rng.uniform(0.85, 1.2) * 2.0 ** (0.6 * excited + 0.04 * jitter)
    loudness = 10.0 ** ((10 * excited - 14 + rng.uniform(-2, 2)) / 20)
    voiced = _source(pitch, _formants(rng, beat)) * _envelope(beat)
    sound = loudness * voiced + rng.normal(0, 0.004, len(times))
    return np.clip(sound, -1, 1).astype(np.float32)


def _slow_noise(rng: np.random.Generator, seconds: float) -> np.ndarray:
    steps = np.arange(int(seconds * 6) + 2) / 6
    grid = np.arange(round(seconds * 100) + 1) / 100
    return np.interp(grid, steps, rng.normal(size=len(steps)))


def _envelope(beat: np.ndarray) -> np.ndarray:
    """One rise and fall per syllable, never quite silent."""
    return 0.12 + 0.88 * np.sin(np.pi * (beat % 1)) ** 1.5


def _formants(rng: np.random.Generator, beat: np.ndarray) -> np.ndarray:
    """Formant frequencies ``(n, 3)``: one random vowel per syllable, gliding from one to the next."""
    vowels = _VOWELS[rng.integers(len(_VOWELS), size=int(beat[-1]) + 3)] * rng.uniform(0.92, 1.1)
    places = np.arange(len(vowels)) + 0.5
    return np.stack([np.interp(beat, places, column) for column in vowels.T], axis=1)


def _source(pitch: np.ndarray, formants: np.ndarray) -> np.ndarray:
    """Harmonics of ``pitch`` (Hz), each as loud as the formants let it be; about unit peak."""
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    rows = np.linspace(0, len(pitch) - 1, max(2, len(pitch) // 200)).round().astype(int)
    total = np.zeros(len(pitch))
    for harmonic in range(1, _HARMONICS + 1):
        frequency = harmonic * pitch[rows]
        peaks = 1 / (1 + ((frequency[:, None] - formants[rows]) / _BANDWIDTHS) ** 2)
        gain = (peaks @ np.array([1.0, 0.6, 0.3]) + 0.02) * (frequency < 0.45 * SAMPLE_RATE) / harmonic**0.5
        total += np.interp(np.arange(len(pitch)), rows, gain) * np.sin(harmonic * phase)
    return total
