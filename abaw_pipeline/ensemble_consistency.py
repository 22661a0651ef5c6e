"""Whether ensembles and joined submissions fit what they are made of: names, tasks, models, weights, data to choose on.

Every message is one line that names file and key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from abaw_pipeline.ensembles.runs import model_runs
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.strict import nearest
from abaw_pipeline.training.settings import ExperimentSettings

if TYPE_CHECKING:
    from abaw_pipeline.config import Config


def check_ensembles(config: Config, source: str) -> None:
    """Raises ``ValueError`` at the first thing that does not fit; ``source`` leads the message."""
    for name, ensemble in config.ensembles.items():
        where = f"{source}: ensembles.{name}"
        for pattern in ensemble.named:
            if not config.matching([pattern]):
                known = [one for one in (*config.experiments, *config.ensembles) if one != name]
                raise ValueError(f"{where}.members: no experiment or ensemble '{pattern}'{nearest(pattern, known)}")
        _check_circle(config, name, where)
        for dataset in ensemble.datasets or []:
            if dataset not in config.datasets:
                raise ValueError(f"{where}.datasets: no data set '{dataset}'{nearest(dataset, config.datasets)}")
        _check_tasks(config, name, where)
        _check_models(config, name, where)
        _check_weights(config, name, where)
        _check_choice(config, name, where)
    _check_joined(config, source)


def _check_circle(config: Config, name: str, where: str, above: tuple[str, ...] = ()) -> None:
    for member in config.nested(name):
        if member in (*above, name):
            raise ValueError(f"{where}.members: '{member}' is made of itself ({' -> '.join([*above, name, member])})")
        _check_circle(config, member, where, (*above, name))


def _check_tasks(config: Config, name: str, where: str) -> None:
    ensemble = config.ensembles[name]
    for member, settings in config.members(name).items():
        tasks = [settings.task] if isinstance(settings, EnsembleSettings) else list(settings.targets)
        if ensemble.read not in tasks:
            what = f"makes ce from {ensemble.read}" if ensemble.compound else f"is of task '{ensemble.task}'"
            raise ValueError(f"{where}: it {what}, but '{member}' predicts {', '.join(tasks)}")


def _check_models(config: Config, name: str, where: str) -> None:
    """Every member gives a model, every named fold and seed is one of some member, and votes can be enough."""
    ensemble, members = config.ensembles[name], config.members(name)
    stages = {member: one for member, one in members.items() if isinstance(one, ExperimentSettings)}
    for key in ("folds", "seeds"):
        for one in getattr(ensemble, key) or []:
            alone = EnsembleSettings(members=ensemble.members, task=ensemble.task).model_copy(update={key: [one]})
            if not any(model_runs(settings, alone) for settings in stages.values()):
                raise ValueError(f"{where}.{key}: no member has models of '{one}'")
    count = len(members) - len(stages)
    for member, settings in stages.items():
        taken = len(model_runs(settings, ensemble))
        if not taken:
            raise ValueError(f"{where}: '{member}' has no model of these folds and seeds; take it out")
        count += taken
    if (ensemble.at_least or 0) > count:
        raise ValueError(f"{where}.at_least: {ensemble.at_least} votes of {count} models are never reached")


def _check_weights(config: Config, name: str, where: str) -> None:
    weights = config.ensembles[name].weights or {}
    for member in weights:
        if member not in config.members(name):
            raise ValueError(f"{where}.weights: '{member}' is no member{nearest(member, config.members(name))}")
    for column, members in config.member_columns(name).items():
        if all(weights.get(member) == 0 for member in members):
            raise ValueError(f"{where}.weights: every member of {column} has weight 0")


def _check_choice(config: Config, name: str, where: str) -> None:
    """What is searched is searched on labels, which all members must have been held out of."""
    trained = sorted({str(settings.dataset) for settings in config.below(name).values()})
    if config.ensembles[name].searches and len(trained) > 1:
        raise ValueError(f"{where}: its members were trained on {', '.join(trained)}; there is no data to choose on")


def _check_joined(config: Config, source: str) -> None:
    for name, parts in config.submission.mtl.items():
        where = f"{source}: submission.mtl.{name}"
        if name in config.ensembles:
            raise ValueError(f"{where}: there is an ensemble of that name, choose another one")
        for task, ensemble in parts:
            if ensemble not in config.ensembles:
                raise ValueError(f"{where}.{task}: no ensemble '{ensemble}'{nearest(ensemble, config.ensembles)}")
            if config.ensembles[ensemble].task != task:
                predicted = config.ensembles[ensemble].task
                raise ValueError(f"{where}.{task}: ensemble '{ensemble}' predicts '{predicted}'")
        if not config.joined_datasets(name):
            raise ValueError(f"{where}: no data set with a sample file of track 'mtl' is predicted by all three")
