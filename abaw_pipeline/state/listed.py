"""Every training that the settings ask for, and what predicts what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from abaw_pipeline.config import Config
from abaw_pipeline.features.text.settings import reads_made
from abaw_pipeline.runtime.paths import Layout
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
    def name(self) -> tuple[str, str, int]:
        return self.experiment, self.fold, self.seed

    def __str__(self) -> str:
        return f"{self.experiment}/{self.fold}-{self.seed}"


def manifests(config: Config) -> list[Path]:
    """Everything between the index and the fused predictions that must be there, as its manifest."""
    results, found = Path(config.results), []
    used: dict[str, set[str]] = {}
    for training in trainings(config):
        for dataset in {training.dataset, *training.predicts}:
            used.setdefault(dataset, set()).update(training.settings.features)
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
