"""Settings of experiments. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from abaw_pipeline.models.encoders.settings import EncoderSettings, Size
from abaw_pipeline.models.settings import (
    BasicFramework,
    EarlyFusion,
    FeedbackFramework,
    FrameworkSettings,
    FusionSettings,
    HeadSettings,
    InteractionFusion,
)
from abaw_pipeline.strict import Strict, nearest
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.training.losses.settings import LossSettings, check_loss, usual_loss
from abaw_pipeline.training.optimisation.settings import (
    BestEpoch,
    Cosine,
    OptimiserSettings,
    Positive,
    ScheduleSettings,
    SelectSettings,
)
from abaw_pipeline.training.splits.settings import FoldSettings, Mix, OfficialFolds, SceneSettings


class ExtraRows(Strict):
    """Label rows beyond the last frame of a clip."""

    tolerance: int = Field(default=5, ge=0)
    """Up to this many take the last frame, and are noted."""
    policy: Literal["skip_clip", "repeat_last"] = "skip_clip"
    """More than that: leave the clip out and report it, or take the last frame for all of them."""


class TargetSettings(Strict):
    """One task of an experiment."""

    loss: LossSettings | None = None
    """``null``: the experiment's, else the task's usual one."""
    weight: Positive = 1.0
    """Of its loss in the sum over tasks."""
    head: HeadSettings | None = None
    """``null``: the experiment's."""


@dataclass(frozen=True)
class CompleteTarget:
    """What a task is trained by: ``TargetSettings`` with nothing left open."""

    loss: LossSettings
    weight: float
    head: HeadSettings


class TrainingSettings(Strict):
    """What experiments and grids share."""

    dataset: str | None = None
    """Data set to train on; may be left out where only one has labels."""
    extra: list[str] = []
    """Data sets whose labelled training clips join the training side of every fold; nothing of them is held out, and a
    clip of a recording that is held out stays away."""
    task: str | None = None
    """What is predicted: ``va``, ``expr``, ``au``, ...; or several, under ``tasks``."""
    tasks: dict[str, TargetSettings] | None = Field(default=None, min_length=1)
    """Several tasks at once: the loss is the weighted sum over those that have annotated frames in a batch."""
    framework: FrameworkSettings = BasicFramework(name="basic")
    head: HeadSettings = HeadSettings()
    fusion: FusionSettings = EarlyFusion(name="early")
    loss: LossSettings | None = None
    """``null``: CCC for valence and arousal, cross entropy for classes, sigmoid cross entropy for labels, MSE for
    intensities."""
    r_drop: float = Field(default=0.0, ge=0)
    """Weight of the divergence between two passes with different dropout (R-Drop, Liang et al., 2021)."""
    optimiser: OptimiserSettings = OptimiserSettings()
    schedule: ScheduleSettings = Cosine(name="cosine")
    clip_norm: Positive | None = None
    """Gradients are scaled down to this L2 norm where theirs is larger."""
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Weights are an exponential moving average with this decay a step; validation and predictions use it."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """``bfloat16``: the network runs under autocast; weights, losses and predictions stay float32."""
    normalise: bool = True
    """Features are standardised by mean and deviation over the fold's training clips."""
    segment: Size = 100
    """Frames per window."""
    stride: Size | None = None
    """Frames from one window to the next; ``null``: as long as the window, so that none overlap."""
    tail: Literal["short", "repeat"] = "short"
    """The last window of a clip in training: as short as it is, or filled up by repeating it from its start."""
    unlabelled: Literal["keep", "drop"] = "keep"
    """Frames without any label in training: part of the sequence, or taken out before it is cut."""
    batch: Size = 16
    """Windows per step; clips walked side by side where the encoder carries its state."""
    epochs: Size = 20
    early_stop: Size | None = None
    """Stop after this many epochs without a better validation score; ``null``: never."""
    gap: Literal["nearest", "linear", "zero", "drop"] = "nearest"
    """Rows without a value (no face, no sound): the nearest row that has one; a mixture of the two around it; zero
    after standardisation, which is also what a clip gets that has no value at all; or taken out of the sequence,
    where the prediction of the nearest row stands in."""
    folds: FoldSettings = OfficialFolds(name="official")
    scenes: SceneSettings | None = None
    """One model per scene and fold instead of one per fold; ``null``: none."""
    seeds: list[Annotated[int, Field(ge=0)]] = Field(default_factory=lambda: [0], min_length=1)
    extra_rows: ExtraRows = ExtraRows()
    select: SelectSettings = BestEpoch(name="best")
    """Which epoch's weights predict."""
    predict_trained: bool = False
    """Its models also predict the clips that they were trained on (role ``trained``), for features of mode ``paper``
    that are stacked from them; no ensemble and no score takes these."""

    @property
    def hop(self) -> int:
        """Frames from one window to the next."""
        return self.stride or self.segment

    @property
    def targets(self) -> dict[str, CompleteTarget]:
        """Every task with its head and loss filled in, in the order of ``TASKS``."""
        named = self.tasks or {str(self.task): TargetSettings()}
        return {
            name: CompleteTarget(one.loss or self.loss or usual_loss(TASKS[name]), one.weight, one.head or self.head)
            for name, one in named.items()
        }

    @property
    def predicted(self) -> list[Task]:
        """The tasks that are predicted."""
        return [TASKS[name] for name in self.tasks or [str(self.task)]]

    @property
    def needs_scores(self) -> bool:
        """Whether anything is decided by the score on clips that are held out."""
        chosen = self.select.name in ("best", "best_per_column")
        return chosen or self.early_stop is not None or self.schedule.name == "plateau"

    @model_validator(mode="after")
    def _windows_cover(self) -> TrainingSettings:
        if self.hop > self.segment:
            raise ValueError(f"stride ({self.stride}) must not exceed segment ({self.segment}): frames would be missed")
        return self

    @model_validator(mode="after")
    def _tasks_are_known(self) -> TrainingSettings:
        if (self.task is None) == (self.tasks is None):
            raise ValueError("name one 'task', or several under 'tasks'")
        for name in self.tasks or [str(self.task)]:
            if name not in TASKS:
                raise ValueError(f"no task '{name}'{nearest(name, TASKS)}")
        if len({task.level for task in self.predicted}) > 1:
            raise ValueError("tasks with a label per frame and tasks with one per clip cannot be trained together")
        if isinstance(self.framework, FeedbackFramework):
            for name in (self.framework.source, self.framework.target):
                if name not in (self.tasks or {}):
                    raise ValueError(f"framework: '{name}' is none of the experiment's tasks")
        return self

    @model_validator(mode="after")
    def _losses_fit(self) -> TrainingSettings:
        for name, target in self.targets.items():
            check_loss(target.loss, TASKS[name])
        return self

    @model_validator(mode="after")
    def _epoch_can_be_chosen(self) -> TrainingSettings:
        if isinstance(self.folds, Mix) and self.needs_scores:
            raise ValueError("folds: mix holds no clip out: select 'last' or a range, no early_stop, no plateau")
        if self.select.name == "range" and self.select.last > self.epochs:
            raise ValueError(f"select.last ({self.select.last}) is after the last epoch ({self.epochs})")
        if self.select.name == "range" and self.early_stop:
            raise ValueError("select: a range of epochs needs all of them; leave out early_stop")
        if self.schedule.warmup >= self.epochs:
            raise ValueError(f"schedule.warmup ({self.schedule.warmup}) must be shorter than epochs ({self.epochs})")
        return self

    @field_validator("tasks")
    @classmethod
    def _tasks_in_one_order(cls, tasks: dict[str, TargetSettings] | None) -> dict[str, TargetSettings] | None:
        """Parts of a network are numbered in the order of its tasks, and files of settings do not keep an order."""
        places = {name: place for place, name in enumerate(TASKS)}
        return tasks and dict(sorted(tasks.items(), key=lambda item: (places.get(item[0], len(places)), item[0])))

    @field_validator("extra")
    @classmethod
    def _extra_differ(cls, extra: list[str]) -> list[str]:
        return _unique(extra, "extra")

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, seeds: list[int]) -> list[int]:
        return _unique(seeds, "seeds")


class ExperimentSettings(TrainingSettings):
    """One experiment: trained once per fold and seed."""

    features: list[str] = Field(min_length=1)
    """Names of feature instances, side by side in this order."""
    encoder: EncoderSettings

    @property
    def every_feature(self) -> list[str]:
        """Those that its models read, and the one that its scenes are divided by."""
        return list(dict.fromkeys([*self.features, *([self.scenes.feature] if self.scenes else [])]))

    @property
    def encoders(self) -> list[EncoderSettings]:
        """The encoder, and those of the framework and the fusion."""
        found = [self.encoder]
        if not isinstance(self.framework, BasicFramework):
            found.append(self.framework.encoder)
        if isinstance(self.fusion, InteractionFusion) and self.fusion.interaction:
            found.append(self.fusion.interaction)
        return found

    @model_validator(mode="after")
    def _state_goes_on_where_it_ended(self) -> ExperimentSettings:
        if self.hop != self.segment and any(getattr(encoder, "carry_state", False) for encoder in self.encoders):
            raise ValueError(
                f"stride ({self.stride}) must equal segment ({self.segment}) with carry_state: a window goes on where "
                "the one before ended"
            )
        return self

    @field_validator("features")
    @classmethod
    def _features_differ(cls, features: list[str]) -> list[str]:
        return _unique(features, "features")


def _unique(items: list[Any], what: str) -> list[Any]:
    if len(set(items)) < len(items):
        raise ValueError(f"{what} must differ from one another")
    return items
