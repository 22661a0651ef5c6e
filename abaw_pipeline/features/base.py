"""What an extractor is.

An extractor is one small class in one file. It declares what it needs and what it gives in a ``Spec`` that can be
read without importing torch, and turns a batch of pictures, or a piece of sound, into numbers. Decoding, batching,
devices, precision, clocks and storage are not its business (``features/extract.py`` does them).

Adding one: write the file, add its class to ``features/registry.py``.
Shape letters: B pictures, H height, W width, D feature dimension, N samples, M rows of a sound feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

import numpy as np

from abaw_pipeline.features.weights import Weights
from abaw_pipeline.strict import Strict

if TYPE_CHECKING:  # a spec is read while Snakemake parses: torch must not be imported for it
    import torch

SAMPLE_RATE = 16_000
"""Sampling rate in Hz of every sound an extractor sees."""


@dataclass(frozen=True)
class Spec:
    """What a feature is, for one given setting of its extractor."""

    modality: Literal["visual", "audio"]
    dimension: int
    dtype: Literal["float16", "float32"] = "float16"
    """How values are stored."""
    code: tuple[str, ...] = ()
    """Modules of the package (``features.visual.densenet``) that decide the values; their imports are followed."""
    version: int = 1
    """Raised by hand when the values change though neither code nor settings do (a changed default, a library)."""
    unit_s: float = 0.0
    """Audio: length in seconds of the sound that one row describes (a row reaches half of it to either side)."""
    needs_weights: bool = False
    """Whether the extractor is a network that must be given ``weights``."""


class ExtractorSettings(Strict):
    """Base of an extractor's settings; ``extractor`` names it in ``config.yaml``."""

    extractor: str
    weights: Weights | None = None


class FrameExtractor(Protocol):
    """Pictures to vectors."""

    Settings: ClassVar[type[ExtractorSettings]]

    def __init__(self, settings: ExtractorSettings) -> None: ...

    @staticmethod
    def spec(settings: ExtractorSettings) -> Spec:
        """Declared without torch."""

    def load(self, device: torch.device) -> None:
        """Build the network, load its weights, move it to ``device``. Called once before the first batch."""

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        """One RGB crop ``(H, W, 3)`` uint8 to the network's input ``(C, h, w)`` float32. Runs in worker threads."""

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        """Inputs ``(B, C, h, w)`` on the device to features ``(B, D)``."""


class SoundExtractor(Protocol):
    """Sound to timed vectors."""

    Settings: ClassVar[type[ExtractorSettings]]

    def __init__(self, settings: ExtractorSettings) -> None: ...

    @staticmethod
    def spec(settings: ExtractorSettings) -> Spec:
        """Declared without torch."""

    def load(self, device: torch.device) -> None:
        """Build whatever is needed. Called once before the first clip."""

    def describe(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mono sound ``(N,)`` float32 in [-1, 1] at 16 kHz to values ``(M, D)`` and the centre of each row.

        Returns:
            values ``(M, D)`` float32 and times ``(M,)`` float64 in seconds from the first sample, increasing.
            Sound shorter than one window gives M = 0.
        """
