"""s-Aff-Wild2, the multi-task set: sparse frames with valence, arousal, expression and action units in one row."""

from __future__ import annotations

from typing import Literal

from abaw_pipeline.datasets.base import DataSet
from abaw_pipeline.datasets.settings import LabelledSettings


class SAffwild2Settings(LabelledSettings):
    """A folder laid out so."""

    adapter: Literal["s_affwild2"]


def find(settings: SAffwild2Settings, where: str) -> DataSet:
    """List the clips of the data set."""
    raise NotImplementedError
