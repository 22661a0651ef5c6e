"""What is known of published weights. Facts alone: what cannot be shown from a source stands as ``None`` or unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class HubFile:
    """One file of a repository on the Hugging Face hub."""

    repo: str
    file: str
    revision: str = "main"
    """A commit where one is known; what ``main`` gave is told apart by its digest."""

    def __str__(self) -> str:
        return f"https://huggingface.co/{self.repo} ({self.file})"


@dataclass(frozen=True)
class HubModel:
    """A whole model of transformers on the Hugging Face hub: configuration, weights, tokenizer."""

    repo: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"https://huggingface.co/{self.repo}"


@dataclass(frozen=True)
class Download:
    """A file behind an address."""

    url: str

    @property
    def file(self) -> str:
        return self.url.rsplit("/", 1)[-1]

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class ByHand:
    """Weights that no program can fetch."""

    whence: str
    """Who has them, in words."""

    def __str__(self) -> str:
        return self.whence


@dataclass(frozen=True)
class Licence:
    """What the publisher says. The terms of the data that weights were trained on are another matter."""

    name: str
    commercial: Literal["allowed", "forbidden", "unknown"]
    """Commercial use, by the licence's own words."""

    def __str__(self) -> str:
        return self.name + {"allowed": "", "forbidden": ", no commercial use", "unknown": ""}[self.commercial]


@dataclass(frozen=True)
class Published:
    """One set of weights."""

    source: HubFile | HubModel | Download | ByHand
    features: tuple[str, ...]
    """Extractors it serves; ``vggish.pca`` for a field other than ``weights``."""
    licence: Licence
    input: str
    """What the network was trained to see or hear; the extractor prepares exactly that."""
    keys: str
    """Whose names its parameters have, and which of them are not used."""
    sha256: str | None = None
    """Of its file."""
    sha256_prefix: str | None = None
    """First digits of the sha256, where the file's name has them."""
