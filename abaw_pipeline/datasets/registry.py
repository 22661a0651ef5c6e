"""Every kind of data set: one line an adapter, which is one file with its settings and ``find``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from abaw_pipeline.datasets import (
    affwild2,
    c_expr_db,
    hume_reaction,
    hume_vidmimic2,
    images,
    recordings,
    s_affwild2,
    table,
)
from abaw_pipeline.datasets.base import DataSet
from abaw_pipeline.datasets.settings import Affwild2Settings, RecordingsSettings

DatasetSettings = Annotated[
    Affwild2Settings
    | s_affwild2.SAffwild2Settings
    | hume_reaction.HumeReactionSettings
    | hume_vidmimic2.HumeVidmimic2Settings
    | c_expr_db.CExprDbSettings
    | table.TableSettings
    | images.ImagesSettings
    | RecordingsSettings,
    Field(discriminator="adapter"),
]

ADAPTERS: dict[str, Callable[[Any, str], DataSet]] = {
    "affwild2": affwild2.find,
    "s_affwild2": s_affwild2.find,
    "hume_reaction": hume_reaction.find,
    "hume_vidmimic2": hume_vidmimic2.find,
    "c_expr_db": c_expr_db.find,
    "table": table.find,
    "images": images.find,
    "recordings": recordings.find,
}
