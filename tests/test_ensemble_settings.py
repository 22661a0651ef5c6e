"""Ensembles and stacked features that do not fit what they are made of are one line each, before anything runs."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from abaw_pipeline.config import Config
from abaw_pipeline.ensembles.runs import model_runs
from abaw_pipeline.settings_file import check
from tests.project import SETTINGS

FOLDS = {"name": "kfold", "k": 3}


def config(ensembles: dict[str, Any], experiments: dict[str, Any] | None = None, **sections: Any) -> Config:
    """Experiments a (three folds, two seeds), b (one model) and units (action units) of one data set."""
    raw = copy.deepcopy(SETTINGS) | sections
    raw["datasets"]["demo"]["tasks"] = ["va", "au"]
    one = {"task": "va", "features": ["fbank"], "encoder": {"name": "gru", "hidden": 8}}
    known = {"a": {**one, "folds": FOLDS, "seeds": [0, 1]}, "b": one, "units": {**one, "task": "au"}}
    for name, changes in (experiments or {}).items():
        known[name] = {**known.get(name, one), **changes}
    return check({**raw, "experiments": known, "ensembles": ensembles}, "config.yaml")


@pytest.mark.parametrize(
    ("ensemble", "message"),
    [
        ({"members": []}, "config.yaml: ensembles.e.members: "),
        ({"members": ["x*"]}, "config.yaml: ensembles.e.members: no experiment or ensemble 'x*'"),
        ({"members": ["a"], "columns": {"valence": []}}, "config.yaml: ensembles.e.columns.valence: "),
        ({"members": ["a", "units"]}, "config.yaml: ensembles.e: it is of task 'va', but 'units' predicts au"),
        ({"members": ["a", "b"], "folds": ["fold1"]}, "config.yaml: ensembles.e: 'b' has no model of these folds"),
        ({"members": ["a"], "folds": ["fold9"]}, "config.yaml: ensembles.e.folds: no member has models of 'fold9'"),
        ({"members": ["a"], "seeds": [0, 5]}, "config.yaml: ensembles.e.seeds: no member has models of '5'"),
        ({"members": ["a"], "method": "weighted", "weights": {"c": 1}}, "ensembles.e.weights: 'c' is no member"),
        (
            {"members": ["a", "b"], "method": "weighted", "weights": {"a": 0, "b": 0}},
            "config.yaml: ensembles.e.weights: every member of valence has weight 0",
        ),
        (
            {"members": ["units"], "task": "au", "method": "vote", "at_least": 2},
            "config.yaml: ensembles.e.at_least: 2 votes of 1 models are never reached",
        ),
        ({"members": ["e"]}, "config.yaml: ensembles.e.members: 'e' is made of itself (e -> e)"),
    ],
)
def test_an_ensemble_that_cannot_be_made_is_one_line(ensemble: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        config({"e": ensemble})
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_members_of_members_are_followed_and_columns_taken_apart() -> None:
    made = config(
        {
            "low": {"members": ["a"], "folds": ["fold1"], "seeds": [1]},
            "high": {"members": ["low", "b"], "columns": {"arousal": ["b"]}},
        }
    )
    assert list(made.below("high")) == ["b", "a"] and made.chain("high") == ["low", "high"]
    assert made.runs_below("high") == {"a": {("fold1", 1)}, "b": {("official", 0)}}
    assert made.member_columns("high") == {"valence": ["b", "low"], "arousal": ["b"]}


def test_folds_and_seeds_pick_models() -> None:
    made = config({"e": {"members": ["a"], "folds": ["fold1", "fold3"], "seeds": [1]}})
    assert model_runs(made.experiments["a"], made.ensembles["e"]) == [("fold1", 1), ("fold3", 1)]


def test_an_ensemble_that_chooses_is_made_where_it_chooses() -> None:
    other = {**SETTINGS["datasets"]["demo"], "root": "data/other"}
    datasets = {"demo": copy.deepcopy(SETTINGS["datasets"]["demo"]), "other": other}
    both = {name: {"dataset": "demo"} for name in ("a", "b", "units")}
    ensembles = {"e": {"members": ["a"], "method": "greedy", "datasets": ["other"]}, "f": {"members": ["e"]}}
    made = config(ensembles, both, datasets=datasets)
    assert made.ensemble_datasets("e") == ["demo", "other"] and made.chosen_on("e") == "demo"
    assert made.chosen_on("f") is None


def stacked(stack: dict[str, Any], experiments: dict[str, Any] | None = None) -> Config:
    features = {**SETTINGS["features"], "scores": {"extractor": "stack", "task": "va", "experiments": ["a"], **stack}}
    second = {"second": {"features": ["scores"], "folds": FOLDS}, **(experiments or {})}
    return config({"e": {"members": ["second"]}}, second, features=features)


def test_a_stacked_feature_knows_its_width_and_what_it_leans_on() -> None:
    made = stacked({"experiments": ["a", "b"]})
    assert made.plan("scores").spec.dimension == 4 and made.plan("scores").spec.modality == "visual"
    assert made.stages(["second"]) == ["a", "b", "second"]
    paper = stacked({"mode": "paper"}, {"a": {"predict_trained": True}})
    assert paper.plan("scores").spec.dimension == 12
    assert stacked({}, {"a": {"features": ["densenet"]}}).plan("scores").random


@pytest.mark.parametrize(
    ("stack", "experiments", "message"),
    [
        ({"experiments": ["x"]}, {}, "features.scores: no experiment 'x'"),
        ({"task": "au"}, {}, "features.scores: 'a' predicts va, not 'au'"),
        ({"mode": "single", "experiments": ["a", "b"]}, {}, "mode 'single' takes one experiment"),
        ({"mode": "paper"}, {}, "mode 'paper' needs experiments.a.predict_trained: true"),
        ({}, {"a": {"predict_trained": True}}, "mode 'repeated' needs experiments.a.predict_trained: false"),
        ({"experiments": ["second"]}, {}, "experiments.second.features: it is stacked on itself (second <- second)"),
        ({"experiments": ["a", "a"]}, {}, "experiments must differ from one another"),
    ],
)
def test_a_stacked_feature_that_cannot_be_made_is_one_line(
    stack: dict[str, Any], experiments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as caught:
        stacked(stack, experiments)
    assert message in str(caught.value) and "\n" not in str(caught.value)
