"""The network of an experiment: from its settings and features to the parts of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from abaw_pipeline.models.parts import Part
from abaw_pipeline.models.streams import Target
from abaw_pipeline.models.temporal import TemporalModel
from abaw_pipeline.tasks import TASKS, Kind
from abaw_pipeline.training.losses.extra import extra_outputs
from abaw_pipeline.training.settings import CompleteTarget, ExperimentSettings
from abaw_pipeline.training.sources import FeatureNote

_ACTIVATION: dict[Kind, Literal["tanh", "sigmoid", "none"]] = {
    "values": "tanh",
    "intensities": "sigmoid",
    "numbers": "none",
    "class": "none",
    "labels": "none",
}


def build_network(settings: ExperimentSettings, features: Sequence[FeatureNote]) -> TemporalModel:
    """The untrained network of an experiment."""
    targets = {name: _target(name, one) for name, one in settings.targets.items()}
    return TemporalModel(parts(features), targets, settings.encoder, settings.fusion, settings.framework)


def parts(features: Sequence[FeatureNote]) -> list[Part]:
    return [Part(note.name, note.modality, note.dimension) for note in features]


def _target(name: str, settings: CompleteTarget) -> Target:
    task = TASKS[name]
    extra = extra_outputs(settings.loss, task)
    return Target(len(task.columns), extra, _ACTIVATION[task.kind], task.level, settings.head)
