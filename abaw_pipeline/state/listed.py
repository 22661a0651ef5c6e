"""Every training and submission that the settings ask for, and what predicts what."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from abaw_pipeline.config import Config
from abaw_pipeline.features.text.settings import reads_made
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.submission.asked import Asked
from abaw_pipeline.training.card import CARD
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.splits.names import fold_names


@dataclass(frozen=True)
class Training:
    """One fold and seed of one experiment."""

    experiment: str
    fold: str
    seed: int
    settings: ExperimentSettings = field(hash=False, compare=False)
    predicts: tuple[str, ...]
    """Data sets that it predicts: those of the ensembles it is in."""

    @property
    def dataset(self) -> str:
        """The data set that it is trained on."""
        return str(self.settings.dataset)

    @property
    def learns_from(self) -> tuple[str, ...]:
        """The data set that it is trained on, and those that join it."""
        return self.dataset, *self.settings.extra

    def reads(self, dataset: str) -> list[str]:
        """The features of a data set that are read to train its model or to predict."""
        return self.settings.every_feature if dataset == self.dataset else self.settings.features

    @property
    def name(self) -> tuple[str, str, int]:
        return self.experiment, self.fold, self.seed

    def __str__(self) -> str:
        return f"{self.experiment}/{self.fold}-{self.seed}"


def manifests(config: Config) -> list[Path]:
    """Everything between the index and the fused predictions that must be there, as its manifest."""
    results, found = Path(config.results), []
    used: dict[str, set[str]] = {}
    for training in trainings(config):
        for dataset in {*training.learns_from, *training.predicts}:
            used.setdefault(dataset, set()).update(training.reads(dataset))
    for dataset, features in sorted(used.items()):
        layout = Layout(results, dataset)
        found += [layout.media_shard(shard) for shard in range(config.shards)]
        if any(reads_made(config.features[name]) for name in features):
            found += [layout.transcripts_shard(shard) for shard in range(config.shards)]
        found += [layout.feature_manifest(name) for name in sorted(features)]
    for training in trainings(config):
        found.append(Layout(results, training.dataset).model(*training.name) / CARD)
        found += [Layout(results, dataset).predictions_manifest(*training.name) for dataset in training.predicts]
    for name in config.ensembles:
        found += [Layout(results, dataset).ensemble_manifest(name) for dataset in config.ensemble_datasets(name)]
    return found


def trainings(config: Config) -> Iterator[Training]:
    """In the order of the settings."""
    targets: dict[str, set[str]] = {name: set() for name in config.experiments}
    for ensemble in config.ensembles:
        for member in config.below(ensemble):
            targets[member].update(config.ensemble_datasets(ensemble))
    for name in reversed(config.stages()):
        for first in config.first_stage(name):
            targets[first].update([str(config.experiments[name].dataset), *targets[name]])
    for name, settings in config.experiments.items():
        predicts = tuple(sorted(targets[name]))
        for fold in fold_names(settings):
            for seed in settings.seeds:
                yield Training(name, fold, seed, settings, predicts)


def submissions(config: Config) -> list[Asked]:
    """Submission files: of each ensemble where a data set has its track's sample file, then the joined ones."""
    alone = [
        Asked(dataset, name, ensemble.task, {ensemble.task: name})
        for name, ensemble in config.ensembles.items()
        for dataset in config.ensemble_datasets(name)
        if ensemble.task in config.datasets[dataset].samples
    ]
    joined = [
        Asked(dataset, name, "mtl", dict(parts))
        for name, parts in config.submission.mtl.items()
        for dataset in config.joined_datasets(name)
    ]
    return alone + joined


def settings_behind(config: Config, ensembles: Collection[str]) -> dict[str, dict[str, Any]]:
    """Settings that differ from their defaults, of ensembles, their experiments and the features of these."""
    members = {member for name in ensembles for member in config.below(name)}
    features = {feature for member in members for feature in config.experiments[member].every_feature}
    parts = {
        "ensembles": {one for name in ensembles for one in config.chain(name)},
        "experiments": members,
        "features": features,
    }
    return {
        part: {name: getattr(config, part)[name].model_dump(mode="json", exclude_defaults=True) for name in sorted(own)}
        for part, own in parts.items()
    }
