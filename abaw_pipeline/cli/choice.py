"""What a verb's arguments name in the settings, with the nearest name where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from abaw_pipeline.state.listed import submissions
from abaw_pipeline.strict import nearest
from abaw_pipeline.submission.asked import Asked
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.splits.names import fold_names

if TYPE_CHECKING:
    from abaw_pipeline.cli import Run


def settings_of(run: Run, name: str) -> ExperimentSettings:
    """The settings of an experiment.

    Raises:
        ValueError: no such experiment.
    """
    experiments: dict[str, ExperimentSettings] = run.config.experiments
    if name not in experiments:
        raise ValueError(f"{run.file}: no experiment '{name}'{nearest(name, experiments)}")
    return experiments[name]


def experiment_of(run: Run, name: str, fold: str, seed: int) -> ExperimentSettings:
    """The settings of an experiment that has this fold and seed.

    Raises:
        ValueError: no such experiment, fold or seed.
    """
    settings = settings_of(run, name)
    for what, value, known in (("fold", fold, fold_names(settings)), ("seed", seed, settings.seeds)):
        if value not in known:
            raise ValueError(f"{run.file}: experiments.{name} has no {what} '{value}'{nearest(str(value), known)}")
    return settings


def feature_keys(run: Run, settings: ExperimentSettings) -> dict[str, str]:
    """The key that each feature of an experiment must have by the settings in force."""
    return {feature: run.config.plan(feature).key for feature in settings.every_feature}


def ensemble_dataset(run: Run, name: str, dataset: str | None) -> str:
    """The data set to fuse predictions for.

    Raises:
        ValueError: no such ensemble, or it predicts several data sets and none was named.
    """
    if name not in run.config.ensembles:
        raise ValueError(f"{run.file}: no ensemble '{name}'{nearest(name, run.config.ensembles)}")
    known: list[str] = run.config.ensemble_datasets(name)
    if dataset is None and len(known) > 1:
        raise ValueError(f"ensembles.{name}: it predicts {', '.join(known)}; choose one with --dataset")
    return dataset or known[0]


def submission_of(run: Run, name: str, dataset: str | None) -> Asked:
    """The submission file of an ensemble, or of several that make up a track.

    Raises:
        ValueError: nothing of that name, no sample file to answer, or several data sets and none was named.
    """
    known = {**run.config.ensembles, **run.config.submission.mtl}
    if name not in known:
        raise ValueError(f"{run.file}: no ensemble '{name}'{nearest(name, known)}")
    files = [asked for asked in submissions(run.config) if asked.name == name and dataset in (None, asked.dataset)]
    if not files:
        chosen = dataset or ensemble_dataset(run, name, None)
        task = run.config.ensembles[name].task if name in run.config.ensembles else "mtl"
        raise ValueError(f"{run.file}: datasets.{chosen}.samples names no sample file of track '{task}' to answer")
    if len(files) > 1:
        several = ", ".join(asked.dataset for asked in files)
        raise ValueError(f"{name}: it has files for {several}; choose one with --dataset")
    return files[0]
