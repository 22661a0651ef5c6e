"""Settings of folds. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from abaw_pipeline.models.settings import named
from abaw_pipeline.strict import Strict


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
    seed: int | None = Field(default=None, ge=0)
    """Another shuffle of the recordings, as balanced; ``null``: longest first."""


class TrainPartsAndVal(Strict):
    """The training clips in ``k - 1`` parts, the official validation clips as the last one (EVAEF 4.5: k = 6)."""

    name: Literal["parts+val"]
    k: int = Field(default=6, ge=3)
    seed: int | None = Field(default=None, ge=0)


class Mix(Strict):
    """One fold, ``mix``: trains on all training and validation clips (Train-Val-Mix) and holds out none.

    No epoch can be chosen by a score: ``select`` must be ``last`` or a range.
    """

    name: Literal["mix"]


class FoldFile(Strict):
    """Folds from a CSV file ``clip,fold`` (written by ``abaw folds``): one per name in it.

    Clips of the data set that the file does not list belong to no fold.
    """

    name: Literal["file"]
    path: str


class SceneSettings(Strict):
    """A model per scene: the training clips of a fold are divided by what stands behind the people, and every model
    predicts every clip that the fold holds out (netease_abaw6: by background, all vote).

    Clips of ``extra`` data sets train every scene's model.
    """

    feature: str
    """Vectors of whole pictures (an instance of ``scene``); the mean over a clip's frames stands for the clip."""
    clusters: int = Field(default=4, ge=2, le=32)
    """Subsets, by k-means on the fold's training clips."""
    min_clips: int = Field(default=2, ge=1)
    """A subset with fewer training clips takes those of the nearest ones too, until it has so many; it is reported."""
    seed: int = Field(default=0, ge=0)


FoldSettings = Annotated[
    OfficialFolds | KFolds | TrainPartsAndVal | Mix | FoldFile, Field(discriminator="name"), BeforeValidator(named)
]
