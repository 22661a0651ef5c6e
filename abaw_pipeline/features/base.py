"""What an extractor is.

An extractor is one small class in one file. It declares what it needs and what it gives in a ``Spec`` that can be
read without importing torch, and turns a batch of pictures, a piece of sound, or files, into numbers. Decoding,
batching, devices, precision, clocks and storage are not its business (``features/extract.py`` does them).

Adding one: write the file, add its class to ``features/registry.py``.
Shape letters: B pictures, H height, W width, D feature dimension, N samples, M rows of a sound feature.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

import numpy as np

from abaw_pipeline.features.weights import Weights
from abaw_pipeline.strict import Strict
from abaw_pipeline.types import Clock, FrameTable

if TYPE_CHECKING:  # a spec is read while Snakemake parses: torch must not be imported for it
    import torch

SAMPLE_RATE = 16_000
"""Sampling rate in Hz of every sound an extractor sees."""

Statistics = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation per channel, of pictures in [0, 1]."""

Source = Literal["faces", "frames", "sound", "files"]
"""What a feature is made from: face crops, whole pictures, sound, or files that lie beside the recordings."""


@dataclass(frozen=True)
class Spec:
    """What a feature is, for one given setting of its extractor."""

    modality: Literal["visual", "audio", "text"]
    source: Source
    dimension: int
    dtype: Literal["float16", "float32"] = "float16"
    """How values are stored."""
    code: tuple[str, ...] = ()
    """Modules of the package (``features.visual.densenet``) that decide the values; their imports are followed."""
    version: int = 1
    """Raised by hand when the values change though neither code nor settings do (a changed default, a library)."""
    unit_s: float = 0.0
    """Sound: length in seconds of the sound that one row describes (a row reaches half of it to either side)."""
    weights: tuple[str, ...] = ()
    """Fields of the settings that must hold the weights of its networks; others of the type may be left out."""
    places: tuple[str, ...] = ()
    """Fields that say where files lie. They do not count, what the files say does (``FileExtractor.content``).
    ``{results}`` and ``{dataset}`` in them stand for the results folder and the data set (``FeaturePlan.on``)."""

    @property
    def network(self) -> bool:
        """Whether it computes a network, and so profits from a GPU."""
        return bool(self.weights)


class ExtractorSettings(Strict):
    """Base of an extractor's settings; ``extractor`` names it in ``config.yaml``."""

    extractor: str
    weights: Weights | None = None


class FrameExtractor(Protocol):
    """Pictures (``source``: ``faces`` or ``frames``) to vectors."""

    Settings: ClassVar[type[ExtractorSettings]]

    def __init__(self, settings: ExtractorSettings) -> None: ...

    @staticmethod
    def spec(settings: ExtractorSettings) -> Spec:
        """Declared without torch."""

    def load(self, device: torch.device) -> None:
        """Build the network, load its weights, move it to ``device``. Called once before the first batch."""

    @property
    def statistics(self) -> Statistics | None:
        """Mean and standard deviation of each channel, of pictures in [0, 1], that belong to the weights.

        ``None`` where ``prepare`` gives float32.
        """

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        """One RGB picture ``(H, W, 3)`` uint8 to what the network sees. Runs in worker threads.

        Either ``(h, w, C)`` uint8, which the device scales by ``statistics``, or the network's input ``(C, h, w)``
        float32.
        """

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        """Inputs ``(B, C, h, w)`` on the device to features ``(B, D)``."""


class Samples(Protocol):
    """Mono sound ``(N,)`` float32 in [-1, 1] at 16 kHz that is read piece by piece: an array, or one on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, piece: slice, /) -> np.ndarray: ...


Rows = tuple[np.ndarray, np.ndarray]
"""Values ``(M, D)`` float32, and the centre of each row ``(M,)`` float64 in seconds from the first sample."""


class SoundExtractor(Protocol):
    """Sound to timed vectors."""

    Settings: ClassVar[type[ExtractorSettings]]

    def __init__(self, settings: ExtractorSettings) -> None: ...

    @staticmethod
    def spec(settings: ExtractorSettings) -> Spec:
        """Declared without torch."""

    def load(self, device: torch.device) -> None:
        """Build whatever is needed. Called once before the first clip."""

    def describe(self, samples: Samples) -> Iterator[Rows]:
        """Rows of one clip's sound, block by block.

        Centres increase from row to row and from block to block. Memory must not grow with the length of the sound:
        read ``samples`` piece by piece and give a block every minute or so. Where blocks begin must not change any
        value. Sound of which no window holds enough gives no rows (no block, or an empty one).
        """


class FileExtractor(Protocol):
    """Files beside the recordings (features made elsewhere, transcripts) to one row per frame."""

    Settings: ClassVar[type[ExtractorSettings]]

    def __init__(self, settings: ExtractorSettings) -> None: ...

    @staticmethod
    def spec(settings: ExtractorSettings) -> Spec:
        """Declared without torch."""

    @staticmethod
    def content(settings: ExtractorSettings, clip: str, memory: Path | None = None) -> str:
        """Digest of what the files say of one clip, so that a change of it alone makes the clip's rows stale.

        ``memory`` is a file that remembers digests of large files (``runtime/digests.py``); ``None``: they are read.
        Imports nothing heavy. Raises ``ValueError`` where there is nothing for the clip, naming the place looked at.
        """

    @staticmethod
    def listing(settings: ExtractorSettings) -> str:
        """Digest of names, sizes and times of all files it may read: Snakemake's sign that something changed."""

    def load(self, device: torch.device) -> None:
        """Build whatever is needed. Called once before the first clip."""

    def table(self, clip: str, clock: Clock) -> FrameTable:
        """One clip's rows on its picture clock; ``ValueError`` where the files do not fit it (with both counts)."""
