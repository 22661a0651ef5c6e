"""Settings of ensembles."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from abaw_pipeline.ensembles.compound import Rule
from abaw_pipeline.strict import Strict, nearest
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.settings import ExtraRows


class EnsembleSettings(Strict):
    """Several experiments' predictions to one."""

    members: list[str] = Field(min_length=1)
    """Experiment names; ``*`` and ``?`` stand for any letters."""
    task: str = "va"
    """What is fused; members may predict other tasks beside it."""
    method: Literal["mean"] = "mean"
    """``mean``: over every model (each fold and seed of each member), per column."""
    compound: Rule | None = None
    """Of task ``ce``, where the members predict ``expr``: each compound expression is as probable as the geometric
    (``product``) or arithmetic mean (``mean``) of its two expressions' fused probabilities, relative to the others.
    ``null``: the members predict ``ce`` itself, trained on labels of your own."""
    datasets: list[str] | None = Field(default=None, min_length=1)
    """Data sets to predict; ``null``: the one that the members were trained on."""
    extra_rows: ExtraRows = ExtraRows()
    """Label rows beyond the last frame, for the ensemble's own scores."""

    @field_validator("task")
    @classmethod
    def _task_is_known(cls, task: str) -> str:
        if task not in TASKS:
            raise ValueError(f"no task '{task}'{nearest(task, TASKS)}")
        return task

    @property
    def read(self) -> str:
        """The task whose predictions are fused."""
        return "expr" if self.compound else self.task

    @model_validator(mode="after")
    def _compound_is_of_ce(self) -> EnsembleSettings:
        if self.compound and self.task != "ce":
            raise ValueError(f"compound: it makes compound expressions, but the task is '{self.task}'; set task: ce")
        return self
