"""The names of the folds that settings describe. Imports no torch."""

from __future__ import annotations

from abaw_pipeline.training.settings import TrainingSettings
from abaw_pipeline.training.splits.settings import KFolds, Mix, TrainPartsAndVal


def fold_names(settings: TrainingSettings) -> list[str]:
    """``official``, ``mix``, or ``fold1`` ... ``foldK``."""
    folds = settings.folds
    if isinstance(folds, KFolds | TrainPartsAndVal):
        return [f"fold{number}" for number in range(1, folds.k + 1)]
    return ["mix" if isinstance(folds, Mix) else "official"]
