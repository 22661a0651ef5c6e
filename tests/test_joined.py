"""Submissions that several ensembles make up: which files the settings ask for, and what does not fit."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from abaw_pipeline.cleaning.wanted import wanted
from abaw_pipeline.config import Config
from abaw_pipeline.report.joined import joined_scores
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.settings_file import check
from abaw_pipeline.state.fused import ResultsNow
from abaw_pipeline.state.listed import settings_behind, submissions
from abaw_pipeline.state.why import targets
from tests.project import Project

TASKS = ["va", "expr", "au"]
GRU = {"features": ["fbank"], "encoder": {"name": "gru", "hidden": 8}}
RAW: dict[str, Any] = {
    "allow_random_weights": True,
    "datasets": {
        "crops": {
            "adapter": "affwild2",
            "root": "data/crops",
            "generate": {"clips": 4},
            "tasks": TASKS,
            "samples": {"va": "va.txt", "mtl": "mtl.txt"},
        },
        "plain": {"adapter": "recordings", "root": "data/plain"},
    },
    "features": {"fbank": {"extractor": "fbank", "bins": 24}},
    "experiments": {"three": {"dataset": "crops", "tasks": {task: {} for task in TASKS}, **GRU}},
    "ensembles": {task: {"task": task, "members": ["three"], "datasets": ["crops", "plain"]} for task in TASKS},
    "submission": {"mtl": {"all": {task: task for task in TASKS}}},
}


def config(tmp_path: Path, **parts: str) -> Config:
    """The settings, with other ensembles for some tasks of the joined submission."""
    raw = copy.deepcopy(RAW)
    raw["submission"]["mtl"]["all"] |= parts
    return check({**raw, "results": str(tmp_path / "results")}, "config.yaml")


def test_files_of_single_ensembles_and_joined_ones_are_asked_for_where_there_is_a_sample(tmp_path: Path) -> None:
    files = [(one.dataset, one.name, one.track, dict(one.ensembles)) for one in submissions(config(tmp_path))]
    assert files == [
        ("crops", "va", "va", {"va": "va"}),
        ("crops", "all", "mtl", {task: task for task in TASKS}),
    ]


def test_clean_keeps_them_and_why_knows_them(tmp_path: Path) -> None:
    settings = config(tmp_path)
    layout = Layout(Path(settings.results), "crops")
    assert wanted(settings, layout).submissions == {("va", "va"), ("all", "mtl")}
    (found,) = [one for one in targets(settings, ResultsNow(settings)) if one.names == ("all",)]
    assert layout.submission("all", "mtl") in found.places


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"submission": {"mtl": {"va": {task: task for task in TASKS}}}}, "mtl.va: there is an ensemble of that name"),
        ({"submission": {"mtl": {"all": {"va": "va", "expr": "expr"}}}}, "submission.mtl.all.au"),
        ({"submission": {"mtl": {"a b": {task: task for task in TASKS}}}}, "submission.mtl: 'a b' must be letters"),
        (
            {"submission": {"mtl": {"all": {"va": "va", "expr": "expr", "au": "aux"}}}},
            "submission.mtl.all.au: no ensemble 'aux'; did you mean 'au'?",
        ),
        (
            {"submission": {"mtl": {"all": {"va": "va", "expr": "va", "au": "au"}}}},
            "submission.mtl.all.expr: ensemble 'va' predicts 'va'",
        ),
        (
            {"ensembles": {**RAW["ensembles"], "au": {"task": "au", "members": ["three"], "datasets": ["plain"]}}},
            "submission.mtl.all: no data set with a sample file of track 'mtl' is predicted by all three",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as stop:
        check({**copy.deepcopy(RAW), **changes}, "config.yaml")
    assert message in str(stop.value) and "\n" not in str(stop.value)


def test_the_settings_behind_a_file_are_those_of_its_ensembles(tmp_path: Path) -> None:
    behind = settings_behind(config(tmp_path), ["va"])
    assert {part: list(own) for part, own in behind.items()} == {
        "ensembles": ["va"],
        "experiments": ["three"],
        "features": ["fbank"],
    }
    assert behind["features"]["fbank"] == {"extractor": "fbank", "bins": 24}


def test_the_score_is_the_sum_of_those_roles_that_every_task_has() -> None:
    scores = {
        "va": {"val": {"mean": 0.5}, "test": {"mean": 0.1}},
        "expr": {"val": {"mean": 0.25}},
        "au": {"val": {"mean": 0.125}, "test": {"mean": 0.1}},
    }
    assert joined_scores("mtl", scores) == {"val": 0.875}


def test_snakemake_asks_for_the_joined_file_and_the_single_ones(tmp_path: Path) -> None:
    raw = copy.deepcopy(RAW)
    raw["datasets"]["crops"]["samples"]["emi"] = "emi.csv"
    raw["datasets"]["crops"]["tables"] = {"emi": "emi_labels.csv"}
    raw["experiments"]["clips"] = {"dataset": "crops", "task": "emi", **GRU}
    raw["ensembles"]["emi"] = {"task": "emi", "members": ["clips"]}
    project = Project.copy(tmp_path / "project", raw)
    (project.root / "data" / "plain").mkdir(parents=True)
    assert {about for verb, about in project.dry_run() if verb == "submit"} == {"va", "all", "emi"}
