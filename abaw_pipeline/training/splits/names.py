"""The names of the folds that settings describe. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.training.settings import TrainingSettings
from abaw_pipeline.training.splits.file import fold_order, read_rows
from abaw_pipeline.training.splits.settings import FoldFile, KFolds, Mix, TrainPartsAndVal


def fold_names(settings: TrainingSettings) -> list[str]:
    """``official``, ``mix``, ``fold1`` ... ``foldK``, or the names in a fold file.

    Raises:
        ValueError: the fold file is missing or bad.
    """
    folds = settings.folds
    if isinstance(folds, FoldFile):
        return fold_order(row.fold for row in read_rows(Path(folds.path)))
    if isinstance(folds, KFolds | TrainPartsAndVal):
        return [f"fold{number}" for number in range(1, folds.k + 1)]
    return ["mix" if isinstance(folds, Mix) else "official"]


def folds_mark(settings: TrainingSettings) -> str:
    """Digest of what a fold file says, by which Snakemake notices an edit; empty for the other schemes."""
    folds = settings.folds
    return digest([(row.clip, row.fold) for row in read_rows(Path(folds.path))]) if isinstance(folds, FoldFile) else ""
