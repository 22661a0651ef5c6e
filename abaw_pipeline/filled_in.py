"""Settings with what a file may leave out: experiments that grids stand for, and the data set to train on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from abaw_pipeline.datasets.registry import DatasetSettings
from abaw_pipeline.strict import Strict, parse
from abaw_pipeline.training.grids import GridSettings, expand

Raw = dict[str, Any]


class _Datasets(Strict):
    """The part of the settings that says which labels there are."""

    datasets: dict[str, DatasetSettings] = {}


def filled_in(raw: Raw, source: str) -> Raw:
    """Grids written out, and in every experiment that names no data set the only one that has labels of its tasks.

    Raises:
        ValueError: a grid or a data set that is not right; two experiments of one name; several data sets to train on.
    """
    experiments = {**(raw.get("experiments") or {})}
    for name, experiment in _of_grids(raw, source).items():
        if name in experiments:
            grid = next(grid for grid in raw["grids"] if name.startswith(f"{grid}_"))
            raise ValueError(f"{source}: grids.{grid}: it expands to '{name}', which is also under experiments")
        experiments[name] = experiment
    labelled = _labelled(raw, source)
    for name, experiment in experiments.items():
        if isinstance(experiment, dict) and experiment.get("dataset") is None:
            dataset = _only(labelled, experiment, f"{source}: experiments.{name}.dataset")
            experiments[name] = {**experiment, "dataset": dataset}
    return {**raw, "experiments": experiments}


def _of_grids(raw: Raw, source: str) -> Raw:
    found: Raw = {}
    for grid, value in (raw.get("grids") or {}).items():
        settings = parse(GridSettings, value, source, ("grids", grid))
        for name, experiment in expand(grid, settings).items():
            found[name] = experiment.model_dump(mode="python", exclude_unset=True)
    return found


def _labelled(raw: Raw, source: str) -> dict[str, list[str]]:
    """By data set the tasks that it has labels of; plain recordings have none."""
    section = parse(_Datasets, {"datasets": raw.get("datasets") or {}}, source)
    return {name: settings.labelled for name, settings in section.datasets.items() if settings.labelled}


def _only(labelled: Mapping[str, list[str]], experiment: Raw, where: str) -> str | None:
    """The data set that an experiment can only mean, those that join it apart; ``None`` where there is none at all."""
    own = [name for name in labelled if name not in (experiment.get("extra") or [])]
    tasks = set(experiment.get("tasks") or [experiment.get("task")])
    fitting = [name for name in own if tasks <= set(labelled[name])] or own or list(labelled)
    if len(fitting) > 1:
        raise ValueError(f"{where}: several data sets ({', '.join(fitting)}), name the one to train on")
    return next(iter(fitting), None)
