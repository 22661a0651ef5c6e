"""C-EXPR-DB: recordings with compound expressions, of which no training labels are released."""

from __future__ import annotations

from typing import Literal

from abaw_pipeline.datasets.base import DataSet
from abaw_pipeline.datasets.settings import LabelledSettings


class CExprDbSettings(LabelledSettings):
    """A folder laid out so."""

    adapter: Literal["c_expr_db"]


def find(settings: CExprDbSettings, where: str) -> DataSet:
    """List the clips of the data set."""
    raise NotImplementedError
