"""Settings of ensembles."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from abaw_pipeline.strict import Strict
from abaw_pipeline.training.settings import ExtraRows


class EnsembleSettings(Strict):
    """Several experiments' predictions to one."""

    members: list[str] = Field(min_length=1)
    """Experiment names; ``*`` and ``?`` stand for any letters."""
    task: Literal["va"] = "va"
    method: Literal["mean"] = "mean"
    """``mean``: over every model (each fold and seed of each member), per column."""
    datasets: list[str] | None = Field(default=None, min_length=1)
    """Data sets to predict; ``null``: the one that the members were trained on."""
    extra_rows: ExtraRows = ExtraRows()
    """Label rows beyond the last frame, for the ensemble's own scores."""
