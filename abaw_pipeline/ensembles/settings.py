"""Settings of ensembles."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from abaw_pipeline.ensembles.compound import Rule
from abaw_pipeline.strict import Strict, nearest
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.training.settings import ExtraRows

SmoothName = Literal["gaussian", "box", "median", "exponential"]
Frames = Annotated[float, Field(ge=0)]
Threshold = Annotated[float, Field(gt=0, lt=1)]


class SmoothSettings(Strict):
    """Smoothing over time, clip by clip."""

    name: SmoothName
    """``gaussian``: its size is the deviation; ``box`` (moving average) and ``median``: frames on either side;
    ``exponential``: it looks back alone, with a weight of ``1 / (size + 1)`` for the frame itself."""
    size: Frames | dict[str, Frames] | None = None
    """In frames, for all columns, or by column (others are left as they are); 0 is none. ``null``: it is searched."""
    search: list[Frames] = Field(default=[0, 1, 2, 5, 10, 15, 25, 50], min_length=1)
    """Sizes among which the best on out-of-fold predictions is taken, column by column; of classes one for all."""


class EnsembleSettings(Strict):
    """Several members' predictions to one.

    Whatever is searched (weights, subsets, sizes, thresholds) is chosen on out-of-fold predictions alone, and
    written down with its score.
    """

    members: list[str] = Field(min_length=1)
    """Experiments (``*`` and ``?`` stand for any letters), or other ensembles by their names."""
    columns: dict[str, list[str]] = {}
    """Members of single columns, where they are not those of the others: by column, as ``members``."""
    folds: list[str] | None = Field(default=None, min_length=1)
    """Only the models of these folds (with scenes: of all scenes of these); ``null``: all."""
    seeds: list[int] | None = Field(default=None, min_length=1)
    """Only the models of these seeds; ``null``: all."""
    task: str = "va"
    """What is fused; members may predict other tasks beside it."""
    method: Literal["mean", "weighted", "median", "vote", "greedy"] = "mean"
    """``mean``, ``median``, ``vote`` (of classes and units): over every model (each fold and seed of each member). The
    others take the mean over each member's models first. ``weighted``: by ``weights``. ``greedy``: members are added
    one by one, each as often as it helps, as long as the out-of-fold score rises (Caruana et al., 2004)."""
    weights: dict[str, Annotated[float, Field(ge=0)]] | None = None
    """For ``weighted``: by member; ``null``: searched."""
    rounds: int = Field(default=20, ge=1)
    """For ``greedy``: most members that are added."""
    by: Literal["column", "task"] = "column"
    """What weights and subsets are searched for: each column, or the task as a whole (always so for classes)."""
    at_least: int | None = Field(default=None, ge=1)
    """For ``vote`` on units: votes that make one present; ``null``: more than half, of a tie the mean decides."""
    compound: Rule | None = None
    """Of task ``ce``, where the members predict ``expr``: each compound expression is as probable as the geometric
    (``product``) or arithmetic mean (``mean``) of its two expressions' fused probabilities, relative to the others.
    ``null``: the members predict ``ce`` itself, trained on labels of your own."""
    smooth: SmoothSettings | None = None
    thresholds: Literal["search"] | dict[str, Threshold] | None = None
    """Of units: the probability from which one is present, by unit (others: 0.5), or searched."""
    datasets: list[str] | None = Field(default=None, min_length=1)
    """Data sets to predict; ``null``: the one that the members were trained on."""
    extra_rows: ExtraRows = ExtraRows()
    """Label rows beyond the last frame, for the ensemble's own scores."""

    @property
    def searches(self) -> bool:
        """Whether anything is chosen on out-of-fold predictions."""
        weights = self.method == "greedy" or (self.method == "weighted" and self.weights is None)
        sizes = self.smooth is not None and self.smooth.size is None
        return weights or sizes or self.thresholds == "search"

    @property
    def weighs(self) -> bool:
        """Whether members are weighed, not models."""
        return self.method in ("weighted", "greedy")

    @property
    def named(self) -> list[str]:
        """Every pattern of members, once."""
        return list(dict.fromkeys([*self.members, *(name for several in self.columns.values() for name in several)]))

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

    @model_validator(mode="after")
    def _method_fits_the_task(self) -> EnsembleSettings:
        task = TASKS[self.read]
        if self.method == "vote" and task.kind not in ("class", "labels"):
            raise ValueError(f"method: only classes and units are voted on, '{self.task}' has values; take the mean")
        if self.at_least is not None and (self.method, task.kind) != ("vote", "labels"):
            raise ValueError("at_least: it goes with method 'vote' on units")
        if self.weights is not None and self.method != "weighted":
            raise ValueError("weights: they go with method 'weighted'")
        if self.thresholds is not None and task.kind != "labels":
            raise ValueError(f"thresholds: '{self.task}' has no units")
        if task.kind == "class" and self.columns:
            raise ValueError("columns: classes are decided together and have the same members")
        if task.level == "clip" and self.smooth is not None:
            raise ValueError(f"smooth: '{self.task}' has one value per clip")
        return self

    @model_validator(mode="after")
    def _columns_are_known(self) -> EnsembleSettings:
        task = TASKS[self.read]
        sizes = self.smooth.size if self.smooth else None
        for key, given in (("columns", self.columns), ("smooth.size", sizes), ("thresholds", self.thresholds)):
            for column in given if isinstance(given, dict) else ():
                _check_column(column, task, key)
        if task.kind == "class" and isinstance(sizes, dict):
            raise ValueError("smooth.size: classes are smoothed alike; give one size")
        return self


def _check_column(column: str, task: Task, key: str) -> None:
    if column not in task.columns:
        raise ValueError(f"{key}: '{task.name}' has no column '{column}'{nearest(column, task.columns)}")
