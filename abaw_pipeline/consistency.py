"""Whether settings that are right one by one fit each other: names that are used and not given, parts of a model,
features that something they need is not switched on for.

Every message is one line that names file and key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from abaw_pipeline.ensemble_consistency import check_ensembles
from abaw_pipeline.features.base import Spec
from abaw_pipeline.features.files.stack import Stack
from abaw_pipeline.features.text.settings import reads_made
from abaw_pipeline.models.check import check_framework, check_fusion, check_head
from abaw_pipeline.models.parts import Part
from abaw_pipeline.presets import reported
from abaw_pipeline.report.reported import check_reported
from abaw_pipeline.runtime.paths import NOT_DATASETS
from abaw_pipeline.strict import nearest
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.splits.names import fold_names

if TYPE_CHECKING:
    from abaw_pipeline.config import Config

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+.-]*")


def check_consistency(config: Config, source: str) -> None:
    """Raises ``ValueError`` at the first thing that does not fit; ``source`` leads the message."""
    _check_names(config, source)
    _check_stacks(config, source)
    _check_experiments(config, source)
    check_ensembles(config, source)
    _check_transcripts(config, source)
    _check_reported(config)
    specs = {name: _spec(config, name, source) for name in config.features}
    for name, experiment in config.experiments.items():
        _check_model(experiment, specs, f"{source}: experiments.{name}")


def _check_names(config: Config, source: str) -> None:
    sections = {name: getattr(config, name) for name in ("datasets", "features", "experiments", "ensembles")}
    for section, named in {**sections, "submission.mtl": config.submission.mtl}.items():
        for name in named:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{source}: {section}: '{name}' must be letters, digits and _ + . - (it names a file)")
    for name in NOT_DATASETS:
        if name in config.datasets:
            raise ValueError(f"{source}: datasets: '{name}' is a folder of the results, choose another name")


def _check_experiments(config: Config, source: str) -> None:
    for name, experiment in config.experiments.items():
        where = f"{source}: experiments.{name}"
        dataset = str(experiment.dataset)
        if dataset not in config.datasets:
            raise ValueError(f"{where}.dataset: no data set '{dataset}'{nearest(dataset, config.datasets)}")
        for task in experiment.targets:
            if task not in config.datasets[dataset].labelled:
                key = "tasks" if experiment.tasks else "task"
                raise ValueError(f"{where}.{key}: data set '{dataset}' has no labels for '{task}'")
        for other in experiment.extra:
            _check_extra(config, experiment, other, f"{where}.extra")
        for feature in experiment.features:
            if feature not in config.features:
                raise ValueError(f"{where}.features: no feature '{feature}'{nearest(feature, config.features)}")
        _check_scenes(config, experiment, f"{where}.scenes.feature")
        try:
            fold_names(experiment)
        except ValueError as error:
            raise ValueError(f"{where}.folds: {error}") from None


def _check_scenes(config: Config, experiment: ExperimentSettings, where: str) -> None:
    if experiment.scenes:
        name = experiment.scenes.feature
        if name not in config.features:
            raise ValueError(f"{where}: no feature '{name}'{nearest(name, config.features)}")
        if isinstance(config.features[name], Stack.Settings):
            raise ValueError(f"{where}: '{name}' is stacked predictions; name a feature of the pictures")


def _check_extra(config: Config, experiment: ExperimentSettings, other: str, where: str) -> None:
    if other not in config.datasets:
        raise ValueError(f"{where}: no data set '{other}'{nearest(other, config.datasets)}")
    if other == experiment.dataset:
        raise ValueError(f"{where}: '{other}' is the experiment's own data set; take it out")
    if not set(experiment.targets) & set(config.datasets[other].labelled):
        raise ValueError(f"{where}: data set '{other}' has no labels for {' or '.join(map(repr, experiment.targets))}")


def _check_stacks(config: Config, source: str) -> None:
    for name, stack in config.features.items():
        if isinstance(stack, Stack.Settings):
            where = f"{source}: features.{name}"
            for experiment in stack.experiments:
                _check_stacked(config, stack, experiment, where)
    for name in config.experiments:
        _check_stages(config, name, f"{source}: experiments.{name}")


def _check_stacked(config: Config, stack: Stack.Settings, experiment: str, where: str) -> None:
    if experiment not in config.experiments:
        raise ValueError(f"{where}: no experiment '{experiment}'{nearest(experiment, config.experiments)}")
    first = config.experiments[experiment]
    if stack.task not in first.targets:
        raise ValueError(f"{where}: '{experiment}' predicts {', '.join(first.targets)}, not '{stack.task}'")
    if TASKS[stack.task].level != "frame":
        raise ValueError(f"{where}: '{stack.task}' has one value per clip, which is no feature of frames")
    if (stack.mode == "paper") != first.predict_trained:
        says = "true" if stack.mode == "paper" else "false (only 'mode: paper' takes such predictions)"
        raise ValueError(f"{where}: mode '{stack.mode}' needs experiments.{experiment}.predict_trained: {says}")


def _check_stages(config: Config, name: str, where: str, above: tuple[str, ...] = ()) -> None:
    known = [feature for feature in config.experiments[name].features if feature in config.features]
    for stack in (config.features[feature] for feature in known):
        for first in stack.experiments if isinstance(stack, Stack.Settings) else ():
            if first in (*above, name):
                raise ValueError(f"{where}.features: it is stacked on itself ({' <- '.join([*above, name, first])})")
            _check_stages(config, first, where, (*above, name))


def _check_reported(config: Config) -> None:
    """The tables of the presets are about what the settings hold."""
    predicted = {name: list(settings.targets) for name, settings in config.experiments.items()}
    predicted.update({name: [settings.task] for name, settings in config.ensembles.items()})
    predicted.update({name: [] for name in config.submission.mtl})
    for preset in config.presets:
        check_reported(reported(preset), predicted, f"workflow/presets/{preset}.yaml")


def _check_transcripts(config: Config, source: str) -> None:
    try:
        config.plan_transcripts()
    except ValueError as error:
        raise ValueError(f"{source}: transcripts: {error}") from None
    for name, settings in config.features.items():
        if reads_made(settings) and config.transcripts is None:
            raise ValueError(f"{source}: features.{name}.transcripts: made by whom? name a recogniser in 'transcripts'")


def _spec(config: Config, feature: str, source: str) -> Spec:
    try:
        plan = config.plan(feature)
        if plan.spec.source == "frames" and config.media.frames is None:
            raise ValueError("it is made from whole pictures; set media.frames to {size: 256} or the like")
    except ValueError as error:
        raise ValueError(f"{source}: features.{feature}: {error}") from None
    return plan.spec


def _check_model(settings: ExperimentSettings, specs: Mapping[str, Spec], where: str) -> None:
    """Whether the parts of an experiment's network fit each other, its features and its tasks; and its scenes."""
    if (scenes := settings.scenes) and (modality := specs[scenes.feature].modality) != "visual":
        raise ValueError(f"{where}.scenes.feature: '{scenes.feature}' is of modality {modality}, not visual")
    parts = [Part(name, specs[name].modality, specs[name].dimension) for name in settings.features]
    heads = {task: target.head for task, target in settings.targets.items()}
    try:
        check_fusion(settings.fusion, settings.encoder, parts)
        check_framework(settings.framework, settings.encoder, heads)
        for task, head in heads.items():
            check_head(TASKS[task], head)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
