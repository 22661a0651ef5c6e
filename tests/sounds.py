"""Sounds that change from second to second, and what an extractor says of them in one piece."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from abaw_pipeline.features.weights import FileWeights, RandomWeights

RATE = 16_000
RANDOM = RandomWeights(source="random", seed=0)
CPU = torch.device("cpu")


def varied(seconds: float) -> np.ndarray:
    """A tone of wandering pitch and loudness in noise: no two seconds are alike."""
    rng = np.random.default_rng(0)
    times = np.arange(round(seconds * RATE)) / RATE
    knots = np.arange(0, seconds + 1, 0.25)
    pitch, loudness = (np.interp(times, knots, rng.uniform(*ends, len(knots))) for ends in ((100, 3000), (0.05, 0.6)))
    tone = np.sin(2 * np.pi * np.cumsum(pitch) / RATE)
    return (loudness * (tone + 0.1 * rng.standard_normal(len(times)))).astype(np.float32)


class Tape:
    """Sound on disk that remembers the longest piece read at once."""

    def __init__(self, sound: np.ndarray) -> None:
        self.sound, self.longest = sound, 0

    def __len__(self) -> int:
        return len(self.sound)

    def __getitem__(self, piece: slice) -> np.ndarray:
        self.longest = max(self.longest, len(self.sound[piece]))
        return self.sound[piece]


def described(extractor: Any, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and centres of all blocks together."""
    blocks = list(extractor.describe(samples))
    empty = np.empty((0, extractor.spec(extractor.settings).dimension), np.float32)
    return np.concatenate([empty, *(v for v, _ in blocks)]), np.concatenate([np.empty(0), *(t for _, t in blocks)])


def loaded(kind: type[Any], **settings: Any) -> Any:
    """An extractor with seeded random weights, or those of the settings, on the CPU."""
    extractor = kind(kind.Settings(**{"weights": RANDOM, **settings}))
    extractor.load(CPU)
    return extractor


def check_edges(extractor: Any) -> None:
    """Almost no sound gives no row, silence finite ones, and different sound different ones that float16 can hold."""
    for length in (0, 1, round(0.05 * RATE)):
        values, times = described(extractor, varied(1)[:length])
        assert len(values) == len(times) == 0
    silence, _ = described(extractor, np.zeros(RATE, np.float32))
    assert len(silence) and np.isfinite(silence).all()
    values, times = described(extractor, varied(3))
    assert values.dtype == np.float32 and values.shape[1] == extractor.spec(extractor.settings).dimension
    assert np.isfinite(values.astype(np.float16)).all()
    assert np.abs(np.diff(values, axis=0)).mean(1).min() > 0.01 * np.abs(values).mean()
    assert (np.diff(times) > 0).all() and times[0] >= 0 and times[-1] < 3


def zeros_file(path: Path, shapes: dict[str, torch.Size]) -> FileWeights:
    """A checkpoint with these names and shapes; however large the network, the file is small."""
    torch.save({name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}, path)
    return FileWeights(source="file", path=str(path))
