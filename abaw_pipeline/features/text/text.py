"""``text``: states of a text encoder for what is said, on the frames on which it is said.

A frame's row is the mean of the words that are said while it is on screen, each for as long as it is said then; a
word's is the mean over its tokens. A frame without a word is marked. Or one vector, the mean over all tokens, for the
whole clip.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from pydantic import Field, model_validator

from abaw_pipeline.features.base import ExtractorSettings, Spec
from abaw_pipeline.features.text.settings import Transcripts
from abaw_pipeline.features.text.spread import on_frames
from abaw_pipeline.features.text.transcripts import find_words, listing, place
from abaw_pipeline.features.text.words import Words, words_digest
from abaw_pipeline.features.weights import FolderWeights, ModelWeights
from abaw_pipeline.types import Clock, FrameTable

if TYPE_CHECKING:
    import torch

_SIZES = ("hidden_size", "d_model", "dim", "n_embd")
"""What families of transformers call the size of their states in ``config.json``."""


class Encoder(Protocol):
    """Vectors of words and of a text's tokens (``encoder.TextEncoder``)."""

    def word_states(self, words: Sequence[str], /) -> tuple[np.ndarray, np.ndarray]: ...

    def token_states(self, text: str, /) -> tuple[np.ndarray, Any]: ...


class Text:
    """An extractor from files (see ``features/base.py``)."""

    encoder: Encoder

    class Settings(ExtractorSettings):
        """Settings of ``text``; ``weights`` (a folder, a snapshot of a hub, or random) is required."""

        extractor: Literal["text"]
        weights: ModelWeights  # type: ignore[assignment]  # a whole model, not one file
        transcripts: Transcripts
        dimension: int | None = Field(None, ge=1, le=16384)
        """Size of the encoder's states; needed where no folder with its ``config.json`` is named."""
        layer: int | Literal["last", "last_four"] = Field("last")
        """States after the last layer, their mean over the last four, or after layer n (0: the embeddings)."""
        spread: Literal["words", "clip"] = "words"
        """A row for the words on each frame, or one vector per clip on all of its frames."""
        tokens: int = Field(512, ge=8)
        """The most tokens that the encoder reads at once; a longer transcript goes through in windows of so many."""
        overlap: int = Field(128, ge=0)
        """Tokens that two windows share."""
        missing: Literal["skip", "empty"] = "skip"
        """A clip without transcript is left out and reported, or taken for one in which nothing is said."""

        @model_validator(mode="after")
        def _fit_together(self) -> Text.Settings:
            if self.spread == "words" and not self.transcripts.timed:
                raise ValueError("spread: these transcripts have no times; choose 'clip', or name columns with times")
            if isinstance(self.layer, int) and self.layer < 0:
                raise ValueError("layer: layers are counted from 0, the embeddings")
            if self.overlap > self.tokens // 2:
                raise ValueError("overlap: at most half of tokens")
            return self

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        code, places = ("features.text.text",), ("transcripts",)
        return Spec("text", "files", _dimension(settings), code=code, weights=("weights",), places=places)

    @staticmethod
    def content(settings: Settings, clip: str, memory: Path | None = None) -> str:
        return words_digest(_words(settings, clip))

    @staticmethod
    def listing(settings: Settings) -> str:
        return listing(settings.transcripts)

    def load(self, device: torch.device) -> None:
        from abaw_pipeline.features.text.encoder import TextEncoder

        chosen = self.settings
        dimension = _dimension(chosen)
        self.encoder = TextEncoder(chosen.weights, dimension, chosen.layer, chosen.tokens, chosen.overlap, device)

    def table(self, clip: str, clock: Clock) -> FrameTable:
        """Raises ``ValueError`` where there is no transcript, or none of its words lies within the clip."""
        words = _words(self.settings, clip)
        nothing = FrameTable(np.zeros((len(clock), _dimension(self.settings)), np.float32), np.zeros(len(clock), bool))
        if not words:
            return nothing
        if self.settings.spread == "clip":
            states, _ = self.encoder.token_states(" ".join(word.text for word in words))
            if not len(states):
                return nothing
            return FrameTable(np.tile(states.mean(0), (len(clock), 1)), np.ones(len(clock), bool))
        states, known = self.encoder.word_states([word.text for word in words])
        starts, ends = np.array([(word.start, word.end) for word in words], np.float64).T
        table = on_frames(states[known], starts[known], ends[known], clock)
        if known.any() and not table.valid.any():
            where, last = place(self.settings.transcripts, clip), clock.times[-1] + clock.period
            raise ValueError(f"{where}: none of {len(words)} words ({starts[0]:.2f} s on) in the clip's {last:.2f} s")
        return table


def _words(settings: Text.Settings, clip: str) -> Words:
    words = find_words(settings.transcripts, clip)
    if words is None and settings.missing == "skip":
        raise ValueError(f"{place(settings.transcripts, clip)}: no transcript of clip '{clip}' there")
    return words or ()


def _dimension(settings: Text.Settings) -> int:
    """As the settings say; else as the model's ``config.json`` says."""
    if settings.dimension is not None:
        return settings.dimension
    if not isinstance(settings.weights, FolderWeights):
        raise ValueError("dimension: missing; say the size of the encoder's states")
    path = Path(settings.weights.path) / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise ValueError(f"weights: {path}: no such file") from None
    except ValueError:
        raise ValueError(f"weights: {path}: not JSON") from None
    found = [config[name] for name in _SIZES if isinstance(config.get(name), int)]
    if not found:
        raise ValueError(f"dimension: {path} does not say the size of its states; say it here")
    return int(found[0])
