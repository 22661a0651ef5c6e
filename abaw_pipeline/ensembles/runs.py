"""Which models of an experiment an ensemble takes. Imports nothing heavy: Snakemake asks."""

from __future__ import annotations

from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.splits.names import fold_and_scene, fold_names


def model_runs(settings: ExperimentSettings, ensemble: EnsembleSettings) -> list[tuple[str, int]]:
    """Fold and seed of the models of an experiment that an ensemble takes; a fold stands for all its scenes."""
    folds = fold_names(settings)
    if ensemble.folds is not None:
        folds = [name for name in folds if {name, fold_and_scene(name, settings)[0]} & {*ensemble.folds}]
    seeds = [seed for seed in settings.seeds if ensemble.seeds is None or seed in ensemble.seeds]
    return [(fold, seed) for fold in folds for seed in seeds]
