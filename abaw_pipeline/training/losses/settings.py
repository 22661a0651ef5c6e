"""Settings of the losses, one class each. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from abaw_pipeline.models.settings import named
from abaw_pipeline.strict import Strict

Weight = Annotated[float, Field(gt=0)]
Weights = Literal["balanced"] | list[Weight]
"""Per class or unit: given, or from the training fold's own counts."""


class CccLossSettings(Strict):
    """``sum over columns of 1 - CCC``, over all annotated frames of a batch."""

    name: Literal["ccc"]


class MseLossSettings(Strict):
    """Mean squared error, averaged over columns."""

    name: Literal["mse"]


class CrossEntropySettings(Strict):
    """Softmax cross entropy of one class per frame."""

    name: Literal["cross_entropy"]
    class_weights: Weights | None = None
    """``balanced``: n / (classes * n_c) over the training fold's annotated frames."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)


class BceSettings(Strict):
    """Sigmoid cross entropy per column."""

    name: Literal["bce"]
    positive_weights: Weights | None = None
    """Of the term of present units; ``balanced``: absent / present of the training fold."""
    column_weights: list[Weight] | None = None
    """Of both terms of a column (Netease, ABAW6: a weight per AU)."""


class FocalSettings(Strict):
    """Focal loss (Lin et al., 2017), of classes (softmax) or of labels (sigmoid), as the task has them."""

    name: Literal["focal"]
    alpha: Annotated[float, Field(gt=0, le=1)] | None = 0.75
    """Of labels: the weight of present ones, 1 - alpha that of absent ones. Of classes: of every class."""
    gamma: float = Field(default=2.0, ge=0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Of classes only."""


class MseClassSettings(Strict):
    """``mse`` x MSE of the intensities + ``ce`` x cross entropy of a class head (HFUT, ABAW5 ERI, Eq. 8).

    The class is where the intensity is 1, the clip's highest. The head gives as many class scores beside the columns.
    """

    name: Literal["mse_class"]
    mse: Weight = 1.0
    ce: float = Field(default=0.01, ge=0)
    several: bool = False
    """Where several intensities are highest: every one of them is a target, equally (code), or the first one alone."""


LossSettings = Annotated[
    CccLossSettings | MseLossSettings | CrossEntropySettings | BceSettings | FocalSettings | MseClassSettings,
    Field(discriminator="name"),
    BeforeValidator(named),
]
