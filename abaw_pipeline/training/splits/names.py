"""The names of the folds that settings describe. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.training.settings import TrainingSettings
from abaw_pipeline.training.splits.file import fold_order, read_rows
from abaw_pipeline.training.splits.settings import FoldFile, FoldSettings, KFolds, Mix, TrainPartsAndVal


def fold_names(settings: TrainingSettings) -> list[str]:
    """``official``, ``mix``, ``fold1`` ... ``foldK``, or the names in a fold file; with scenes ``officials1`` ...

    Raises:
        ValueError: the fold file is missing or bad.
    """
    names = _without_scenes(settings.folds)
    scenes = range(1, settings.scenes.clusters + 1) if settings.scenes else ()
    return [f"{name}s{scene}" for name in names for scene in scenes] or names


def fold_and_scene(name: str, settings: TrainingSettings) -> tuple[str, int | None]:
    """The fold of a name that ``fold_names`` gave, and its scene from 1; ``None`` without scenes."""
    if settings.scenes is None:
        return name, None
    fold, _, scene = name.rpartition("s")
    return fold, int(scene)


def _without_scenes(folds: FoldSettings) -> list[str]:
    if isinstance(folds, FoldFile):
        return fold_order(row.fold for row in read_rows(Path(folds.path)))
    if isinstance(folds, KFolds | TrainPartsAndVal):
        return [f"fold{number}" for number in range(1, folds.k + 1)]
    return ["mix" if isinstance(folds, Mix) else "official"]


def folds_mark(settings: TrainingSettings) -> str:
    """Digest of what a fold file says, by which Snakemake notices an edit; empty for the other schemes."""
    folds = settings.folds
    return digest([(row.clip, row.fold) for row in read_rows(Path(folds.path))]) if isinstance(folds, FoldFile) else ""
