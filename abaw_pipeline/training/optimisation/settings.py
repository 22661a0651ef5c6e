"""Settings of optimisers, schedules and the choice of epochs. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from abaw_pipeline.models.settings import named
from abaw_pipeline.strict import Strict

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class OptimiserSettings(Strict):
    """Adam (L2 penalty), AdamW (decoupled weight decay) or SGD with momentum (L2 penalty)."""

    name: Literal["adam", "adamw", "sgd"] = "adamw"
    lr: Positive = 1e-3
    weight_decay: float = Field(default=1e-4, ge=0)
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Of Adam and AdamW; their second moment has 0.999."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Of SGD."""


class _Schedule(Strict):
    """After the warm-up the schedule has what is left of the training."""

    warmup: float = Field(default=0.0, ge=0)
    """Epochs in which the rate rises from zero, in a straight line, to where the schedule begins."""


class Constant(_Schedule):
    """The learning rate as given."""

    name: Literal["constant"]


class Linear(_Schedule):
    """Falls to ``floor`` times the rate, in a straight line over the whole training."""

    name: Literal["linear"]
    floor: float = Field(default=0.0, ge=0, lt=1)


class Cosine(_Schedule):
    """Falls to ``floor`` times the rate along half a cosine, over the whole training."""

    name: Literal["cosine"]
    floor: float = Field(default=0.0, ge=0, lt=1)


class CosineRestarts(_Schedule):
    """Half a cosine, again and again (SGDR, Loshchilov and Hutter, 2017)."""

    name: Literal["cosine_restarts"]
    first: Positive = 1.0
    """Epochs until the first restart (T_0)."""
    factor: Count = 1
    """Each stretch is that many times as long as the one before (T_mult)."""
    floor: float = Field(default=0.0, ge=0, lt=1)
    """Where each stretch ends, as a share of the rate (eta_min / lr)."""
    decay_after: Count | None = None
    """After this epoch of the training (the warm-up included) the rate is a tenth."""


class Step(_Schedule):
    """Times ``factor`` every ``every`` epochs."""

    name: Literal["step"]
    every: Count
    factor: float = Field(default=0.1, gt=0, lt=1)


class Plateau(_Schedule):
    """Times ``factor`` whenever more than ``patience`` epochs in a row brought no better validation score."""

    name: Literal["plateau"]
    factor: float = Field(default=0.1, gt=0, lt=1)
    patience: int = Field(default=5, ge=0)


ScheduleSettings = Annotated[
    Constant | Linear | Cosine | CosineRestarts | Step | Plateau, Field(discriminator="name"), BeforeValidator(named)
]


class BestEpoch(Strict):
    """The epoch with the best validation score over all tasks."""

    name: Literal["best"]


class LastEpoch(Strict):
    """The last epoch."""

    name: Literal["last"]


class BestPerColumn(Strict):
    """For each predicted value (valence, arousal; a whole task where it predicts classes) the epoch best at it."""

    name: Literal["best_per_column"]


class EpochRange(Strict):
    """The mean of the predictions of several epochs (EVAEF, submission 3: 16 to 25)."""

    name: Literal["range"]
    first: Count
    last: Count

    @model_validator(mode="after")
    def _ordered(self) -> EpochRange:
        if self.first > self.last:
            raise ValueError(f"first ({self.first}) must not be after last ({self.last})")
        return self


SelectSettings = Annotated[
    BestEpoch | LastEpoch | BestPerColumn | EpochRange, Field(discriminator="name"), BeforeValidator(named)
]
