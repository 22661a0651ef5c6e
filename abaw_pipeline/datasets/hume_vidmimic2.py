"""Hume-Vidmimic2: clips of people who mimic somebody, six emotional intensities each."""

from __future__ import annotations

from typing import Literal

from abaw_pipeline.datasets.base import DataSet
from abaw_pipeline.datasets.settings import LabelledSettings


class HumeVidmimic2Settings(LabelledSettings):
    """A folder laid out so."""

    adapter: Literal["hume_vidmimic2"]


def find(settings: HumeVidmimic2Settings, where: str) -> DataSet:
    """List the clips of the data set."""
    raise NotImplementedError
