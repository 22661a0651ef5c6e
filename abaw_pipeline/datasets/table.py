"""Any recordings: a CSV of clips, and CSVs of labels per frame, per interval or per clip."""

from __future__ import annotations

from typing import Literal

from abaw_pipeline.datasets.base import DataSet
from abaw_pipeline.datasets.settings import LabelledSettings


class TableSettings(LabelledSettings):
    """A folder laid out so."""

    adapter: Literal["table"]


def find(settings: TableSettings, where: str) -> DataSet:
    """List the clips of the data set."""
    raise NotImplementedError
