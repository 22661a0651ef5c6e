"""Where a network's weights come from: a file, a hub, or seeded random numbers that say what they are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from abaw_pipeline.strict import Strict


class FileWeights(Strict):
    """A checkpoint on disk (``.safetensors``, or a state dict loaded with ``weights_only=True``)."""

    source: Literal["file"]
    path: str
    sha256: str | None = None
    """Digest the file must have. Where it is given, keys are made from it and the file is read only to be loaded."""


class HubWeights(Strict):
    """A file of a Hugging Face hub repository at a fixed revision."""

    source: Literal["hub"]
    repo: str
    file: str
    revision: str
    sha256: str | None = None


class PublishedWeights(Strict):
    """Weights that ``abaw weights`` lists, as ``abaw weights fetch`` got them; their digest is checked."""

    source: Literal["published"]
    name: str


class RandomWeights(Strict):
    """Seeded random numbers, for trying the pipeline without checkpoints; needs ``allow_random_weights: true``."""

    source: Literal["random"]
    seed: int = 0


class FolderWeights(Strict):
    """A whole model of transformers in a folder: ``config.json``, weights, tokenizer or feature extractor."""

    source: Literal["folder"]
    path: str


class SnapshotWeights(Strict):
    """A whole model of transformers on the Hugging Face hub at a fixed revision."""

    source: Literal["snapshot"]
    repo: str
    revision: str


Weights = Annotated[FileWeights | HubWeights | PublishedWeights | RandomWeights, Field(discriminator="source")]
ModelWeights = Annotated[FolderWeights | SnapshotWeights | RandomWeights, Field(discriminator="source")]
"""Weights that come with their own configuration and preprocessing."""
AnyWeights = FileWeights | HubWeights | PublishedWeights | FolderWeights | SnapshotWeights | RandomWeights
