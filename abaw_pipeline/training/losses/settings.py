"""Settings of the losses, one class each, and which task each can train. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from abaw_pipeline.models.settings import named
from abaw_pipeline.strict import Strict
from abaw_pipeline.tasks import Kind, Task

Weight = Annotated[float, Field(gt=0)]
Weights = Literal["balanced"] | list[Weight]
"""Per class or unit: given, or from the training fold's own counts."""


class CccLossSettings(Strict):
    """``sum over columns of 1 - CCC``, over all annotated frames of a batch."""

    name: Literal["ccc"]
    column_weights: list[Weight] | None = None
    """Of each column's term in the sum (EVAEF, Eq. 9: alpha and beta); ``null``: 1."""


class MseLossSettings(Strict):
    """Mean squared error of each column's annotated frames, averaged over columns."""

    name: Literal["mse"]
    column_weights: list[Weight] | None = None
    """Of each column's error (Situ Tech, Eq. 5: alpha and beta); ``null``: 1."""


class CrossEntropySettings(Strict):
    """Softmax cross entropy of one class per frame; with class weights the weighted mean over frames."""

    name: Literal["cross_entropy"]
    class_weights: Weights | None = None
    """``balanced``: n / (classes * n_c) over the training fold's annotated frames; 1 for a class that has none."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)


class BceSettings(Strict):
    """Sigmoid cross entropy of each column's annotated frames, averaged over columns."""

    name: Literal["bce"]
    positive_weights: Weights | None = None
    """Of the term of present units; ``balanced``: absent / present of the training fold, where none counts as one."""
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

FITTING: dict[Kind, tuple[str, ...]] = {
    "values": ("ccc", "mse"),
    "class": ("cross_entropy", "focal"),
    "labels": ("bce", "focal"),
    "intensities": ("mse", "mse_class", "ccc"),
    "numbers": ("mse", "ccc"),
}
"""Losses of each kind of task."""


def usual_loss(task: Task) -> LossSettings:
    """The loss that trains a task where none is named."""
    usual: dict[Kind, LossSettings] = {
        "values": CccLossSettings(name="ccc"),
        "class": CrossEntropySettings(name="cross_entropy"),
        "labels": BceSettings(name="bce"),
        "intensities": MseLossSettings(name="mse"),
        "numbers": MseLossSettings(name="mse"),
    }
    return usual[task.kind]


def check_loss(settings: LossSettings, task: Task) -> None:
    """Refuse a loss that cannot train ``task``.

    Raises:
        ValueError: a loss of another kind of task, a list of weights of the wrong length, label smoothing of labels.
    """
    fitting = FITTING[task.kind]
    if settings.name not in fitting:
        raise ValueError(
            f"loss '{settings.name}' cannot train task '{task.name}' ({task.kind}); choose one of: {', '.join(fitting)}"
        )
    for key in ("class_weights", "positive_weights", "column_weights"):
        given = getattr(settings, key, None)
        if isinstance(given, list) and len(given) != len(task.columns):
            raise ValueError(
                f"loss '{settings.name}' of task '{task.name}': {key} are {len(given)} numbers, "
                f"not one for each of {len(task.columns)} columns"
            )
    if isinstance(settings, FocalSettings) and task.kind == "labels" and settings.label_smoothing:
        raise ValueError(f"loss 'focal' of task '{task.name}': label_smoothing is for classes alone; leave it out")
