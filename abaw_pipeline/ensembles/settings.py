"""Settings of ensembles."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

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
