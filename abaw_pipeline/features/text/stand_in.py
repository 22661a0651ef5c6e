"""``stand_in_text``: a random vector for each word, in place of a heavy encoder (``scale: demo``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from abaw_pipeline.features.base import Spec
from abaw_pipeline.features.random_matrix import random_matrix
from abaw_pipeline.features.text.text import Text
from abaw_pipeline.features.weights import RandomWeights
from abaw_pipeline.runtime.keys import digest

if TYPE_CHECKING:
    import torch

ROWS = 1024
"""Of the random matrix; a word's digest says which is its own."""


class StandInText(Text):
    """As ``text``, with another encoder."""

    class Settings(Text.Settings):
        """Settings of ``stand_in_text``: those of ``text``, of which it has no use for ``layer`` and ``tokens``."""

        extractor: Literal["stand_in_text"]  # type: ignore[assignment]  # another name
        dimension: int = Field(16, ge=1, le=4096)
        weights: RandomWeights

    settings: Settings

    @staticmethod
    def spec(settings: Text.Settings) -> Spec:
        dimension, code = settings.dimension or 0, ("features.text.stand_in",)
        return Spec("text", "files", dimension, code=code, weights=("weights",), places=("transcripts",))

    def load(self, device: torch.device) -> None:
        """On whatever device: there is nothing to compute."""
        self.encoder = HashedWords(self.settings.weights.seed, self.settings.dimension)


class HashedWords:
    """What ``text`` asks of an encoder, with words for tokens."""

    def __init__(self, seed: int, dimension: int) -> None:
        self.matrix = random_matrix(seed, ROWS, dimension) * np.sqrt(ROWS, dtype=np.float32)  # rows of variance 1

    def word_states(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Vectors ``(W, D)``, and ``(W,)`` that every word has one."""
        return self.matrix[[int(digest(word.lower())[:8], 16) % ROWS for word in words]], np.ones(len(words), bool)

    def token_states(self, text: str) -> tuple[np.ndarray, None]:
        """Vectors ``(W, D)`` of a text's words."""
        return self.word_states(text.split())[0], None
