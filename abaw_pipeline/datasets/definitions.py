"""Settings of tasks that a user defines."""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from abaw_pipeline.strict import Strict
from abaw_pipeline.tasks import BUILT_IN, Kind, Task

RESERVED = ("mean", "clip", "clips", "frame", "frames", "of", "split")
"""What tables of labels and of scores call their other columns."""


class TaskDefinition(Strict):
    """A task that the organisers do not know: columns that models predict, and tables that tell them (``tables``)."""

    kind: Kind
    """``values`` in [-1, 1], ``intensities`` in [0, 1], ``numbers`` without bounds, one ``class`` of several, or
    ``labels`` of which each is there or not."""
    columns: list[str] = Field(min_length=1)
    """What is predicted; of a ``class`` the names of the classes, from number 0 on."""
    level: Literal["frame", "clip"] = "frame"
    """A label per frame, or one per clip."""
    missing: float | None = Field(default=None, allow_inf_nan=False)
    """The number that stands in tables where nobody annotated; an empty cell always says so."""

    @field_validator("columns")
    @classmethod
    def _columns_are_names(cls, columns: list[str]) -> list[str]:
        for column in columns:
            if not re.fullmatch(r"[^\s,\"](?:[^\n\r,\"]*[^\s,\"])?", column) or column in RESERVED:
                raise ValueError(
                    f"column '{column}': a name without commas and quotes, and none of {', '.join(RESERVED)}"
                )
        if len(set(columns)) < len(columns):
            raise ValueError("columns must differ from one another")
        return columns

    @model_validator(mode="after")
    def _several_classes(self) -> TaskDefinition:
        if self.kind == "class" and len(self.columns) < 2:
            raise ValueError("a class is one of at least two columns")
        return self

    def named(self, name: str) -> Task:
        """The task."""
        missing = math.nan if self.missing is None else self.missing
        return Task(name, tuple(self.columns), "", self.kind, missing, level=self.level)


def _well_named(definitions: dict[str, TaskDefinition]) -> dict[str, TaskDefinition]:
    for name in definitions:
        if not re.fullmatch("[a-z]+", name):
            raise ValueError(f"'{name}' must be small letters alone (it names files)")
        if name in (*BUILT_IN, *RESERVED):
            raise ValueError(f"'{name}' is taken, choose another name")
    return definitions


TaskDefinitions = Annotated[dict[str, TaskDefinition], AfterValidator(_well_named)]


class TaskSection(Strict):
    """The part of the settings that is read before all others, which name its tasks."""

    tasks: TaskDefinitions = {}
