"""The whole network of a stand-in: one matrix of seeded random numbers."""

from __future__ import annotations

import numpy as np


def random_matrix(seed: int, inputs: int, outputs: int) -> np.ndarray:
    """``(inputs, outputs)`` float32; standardised inputs give outputs of variance 1."""
    drawn = np.random.default_rng([seed, inputs, outputs]).standard_normal((inputs, outputs))
    return (drawn / np.sqrt(inputs)).astype(np.float32)
