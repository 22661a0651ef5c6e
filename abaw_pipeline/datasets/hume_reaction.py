"""Hume-Reaction: clips of people who watch something, seven emotional intensities each."""

from __future__ import annotations

from typing import Literal

from abaw_pipeline.datasets.base import DataSet
from abaw_pipeline.datasets.settings import LabelledSettings


class HumeReactionSettings(LabelledSettings):
    """A folder laid out so."""

    adapter: Literal["hume_reaction"]


def find(settings: HumeReactionSettings, where: str) -> DataSet:
    """List the clips of the data set."""
    raise NotImplementedError
