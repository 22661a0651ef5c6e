"""Everything of ours that has a score, by its name, and what it was made with; from the facts of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from abaw_pipeline.report.reported import MEAN
from abaw_pipeline.training.settings import ExperimentSettings

Row = dict[str, Any]
Scores = Mapping[str, float]


@dataclass(frozen=True)
class Made:
    """An experiment, an ensemble or a submission of ours on one data set.

    Attributes:
        tasks: that it predicts; none of a submission of several tasks.
        scores: by role and task.
        data: names of the data sets that it was trained on and predicts.
        random: features whose weights are random.
        models: how many are trained, and how many the settings ask for; the same of what is made of all of them.
    """

    dataset: str
    tasks: Sequence[str]
    scores: Mapping[tuple[str, str | None], Scores]
    data: frozenset[str]
    random: frozenset[str]
    models: tuple[int, int]


def everything(facts: Row, experiments: Mapping[str, ExperimentSettings]) -> dict[str, list[Made]]:
    """All that is made, on each of its data sets; of an experiment and an ensemble of one name the ensemble."""
    found: dict[str, list[Made]] = {}
    fused: dict[tuple[str, str], Made] = {}
    for row in facts["ensembles"]:
        fused[row["ensemble"], row["dataset"]] = one = _ensemble(row, experiments)
        found.setdefault(row["ensemble"], []).append(one)
    for row in facts["joined"]:
        parts = [fused[name, row["dataset"]] for name in row["ensembles"].values()]
        found.setdefault(row["name"], []).append(_joined(row, parts))
    for summary in facts["experiments"]:
        if summary["models"]:
            found.setdefault(summary["experiment"], [_experiment(summary, facts["models"], experiments)])
    return found


def _experiment(summary: Row, models: Sequence[Row], experiments: Mapping[str, ExperimentSettings]) -> Made:
    name = summary["experiment"]
    random = {feature for row in models if row["experiment"] == name for feature in row["random_features"]}
    scores = {("held_out", task): metrics for task, metrics in summary["metrics"].items()}
    data, count = _trained_on([name], experiments) | {summary["dataset"]}, (summary["models"], summary["of"])
    return Made(summary["dataset"], summary["tasks"], scores, data, frozenset(random), count)


def _ensemble(row: Row, experiments: Mapping[str, ExperimentSettings]) -> Made:
    told = row["scores"] | ({"truth": row["truth"]} if row["truth"] else {})
    scores: dict[tuple[str, str | None], Scores] = {(role, row["task"]): found for role, found in told.items()}
    data = _trained_on([model.split("/")[0] for model in row["models"]], experiments) | {row["dataset"]}
    count = len(row["models"])
    return Made(row["dataset"], [row["task"]], scores, data, frozenset(row["random_features"]), (count, count))


def _joined(row: Row, parts: Sequence[Made]) -> Made:
    told = row["scores"] | ({"truth": row["truth"]} if row["truth"] is not None else {})
    scores: dict[tuple[str, str | None], Scores] = {(role, None): {MEAN: score} for role, score in told.items()}
    data = frozenset(name for part in parts for name in part.data)
    random = frozenset(name for part in parts for name in part.random)
    count = sum(part.models[0] for part in parts)
    return Made(row["dataset"], [], scores, data, random, (count, count))


def _trained_on(names: Sequence[str], experiments: Mapping[str, ExperimentSettings]) -> frozenset[str]:
    known = [experiments[name] for name in names if name in experiments]
    return frozenset(name for settings in known for name in (str(settings.dataset), *settings.extra))
