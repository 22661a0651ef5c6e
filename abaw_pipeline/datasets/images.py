"""Folders of stills with a list of labels: extra training data."""

from __future__ import annotations

from typing import Literal

from abaw_pipeline.datasets.base import DataSet
from abaw_pipeline.datasets.settings import LabelledSettings


class ImagesSettings(LabelledSettings):
    """A folder laid out so."""

    adapter: Literal["images"]


def find(settings: ImagesSettings, where: str) -> DataSet:
    """List the clips of the data set."""
    raise NotImplementedError
