"""Settings of experiments, and their expansion from grids. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from abaw_pipeline.models.settings import EncoderSettings, HeadSettings, Size
from abaw_pipeline.strict import Strict

Positive = Annotated[float, Field(gt=0)]


class OfficialFolds(Strict):
    """One fold, ``official``: the data set's own training and validation clips."""

    name: Literal["official"]


class KFolds(Strict):
    """``fold1`` ... ``foldK``: recordings shared out so that every fold holds about as many annotated frames.

    ``over: train`` leaves the official validation clips apart: no fold trains on them or is chosen by them.
    """

    name: Literal["kfold"]
    k: int = Field(default=5, ge=2)
    over: Literal["train", "train+val"] = "train+val"


FoldSettings = Annotated[OfficialFolds | KFolds, Field(discriminator="name")]


class CccLossSettings(Strict):
    """``sum over columns of 1 - CCC``, over all annotated frames of a batch."""

    name: Literal["ccc"]


# The field's annotation grows into a discriminated union with the second loss.
LossSettings = CccLossSettings


class OptimiserSettings(Strict):
    """Adam (L2 penalty) or AdamW (decoupled weight decay)."""

    name: Literal["adam", "adamw"] = "adamw"
    lr: Positive = 1e-3
    weight_decay: float = Field(default=1e-4, ge=0)


class ScheduleSettings(Strict):
    """Learning rate over the whole training: as given, or falling to zero along half a cosine."""

    name: Literal["constant", "cosine"] = "cosine"


class ExtraRows(Strict):
    """Label rows beyond the last frame of a clip."""

    tolerance: int = Field(default=5, ge=0)
    """Up to this many take the last frame, and are noted."""
    policy: Literal["skip_clip", "repeat_last"] = "skip_clip"
    """More than that: leave the clip out and report it, or take the last frame for all of them."""


class TrainingSettings(Strict):
    """What experiments and grids share."""

    dataset: str | None = None
    """Data set to train on; may be left out where only one has labels."""
    task: Literal["va"] = "va"
    head: HeadSettings = HeadSettings()
    fusion: Literal["early"] = "early"
    """``early``: features side by side, one projection before the encoder."""
    loss: LossSettings = CccLossSettings(name="ccc")
    optimiser: OptimiserSettings = OptimiserSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    segment: Size = 100
    """Frames per window."""
    stride: Size | None = None
    """Frames from one window to the next; ``null``: as long as the window, so that none overlap."""
    batch: Size = 16
    """Windows per step."""
    epochs: Size = 20
    early_stop: Size | None = None
    """Stop after this many epochs without a better validation score; ``null``: never."""
    gap: Literal["nearest", "zero"] = "nearest"
    """Rows without a value (no face, no sound): the nearest row that has one, or zero after standardisation, which
    is also what a clip gets that has no value at all."""
    folds: FoldSettings = OfficialFolds(name="official")
    seeds: list[Annotated[int, Field(ge=0)]] = Field(default_factory=lambda: [0], min_length=1)
    extra_rows: ExtraRows = ExtraRows()
    select: Literal["best", "last"] = "best"
    """Keep the epoch with the best validation score, or the last one."""

    @property
    def hop(self) -> int:
        """Frames from one window to the next."""
        return self.stride or self.segment

    @model_validator(mode="after")
    def _windows_cover(self) -> TrainingSettings:
        if self.hop > self.segment:
            raise ValueError(f"stride ({self.stride}) must not exceed segment ({self.segment}): frames would be missed")
        return self

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, seeds: list[int]) -> list[int]:
        return _unique(seeds, "seeds")


class ExperimentSettings(TrainingSettings):
    """One experiment: trained once per fold and seed."""

    features: list[str] = Field(min_length=1)
    """Names of feature instances, side by side in this order."""
    encoder: EncoderSettings

    @field_validator("features")
    @classmethod
    def _features_differ(cls, features: list[str]) -> list[str]:
        return _unique(features, "features")


class GridSettings(TrainingSettings):
    """Feature combinations x encoders, each combination an experiment ``<grid>_<features>_<encoder>``."""

    features: dict[str, Annotated[list[str], Field(min_length=1)]] = Field(min_length=1)
    encoders: dict[str, EncoderSettings] = Field(min_length=1)


def expand(name: str, grid: GridSettings) -> dict[str, ExperimentSettings]:
    """The experiments of a grid, by name.

    Raises:
        ValueError: two combinations come to the same name, or a combination lists a feature twice.
    """
    shared = {field: getattr(grid, field) for field in grid.model_fields_set & set(TrainingSettings.model_fields)}
    found: dict[str, ExperimentSettings] = {}
    for features_name, features in grid.features.items():
        for encoder_name, encoder in grid.encoders.items():
            full = f"{name}_{features_name}_{encoder_name}"
            if full in found:
                raise ValueError(f"grids.{name}: two combinations are named '{full}'; rename one of them")
            found[full] = ExperimentSettings(features=features, encoder=encoder, **shared)
    return found


def fold_names(settings: TrainingSettings) -> list[str]:
    """``official``, or ``fold1`` ... ``foldK``."""
    if isinstance(settings.folds, KFolds):
        return [f"fold{number}" for number in range(1, settings.folds.k + 1)]
    return ["official"]


def _unique(items: list[Any], what: str) -> list[Any]:
    if len(set(items)) < len(items):
        raise ValueError(f"{what} must differ from one another")
    return items
