"""The presets of Netease Fuxi (ABAW6): they fit data sets of their tracks, and say what the paper says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from abaw_pipeline.config import Config
from abaw_pipeline.presets import read_preset
from abaw_pipeline.settings_file import check
from abaw_pipeline.tasks import TASKS

TRACKS = ("au", "expr", "va", "ce", "emi")
WITH_RESULTS = ("au", "expr", "va", "emi")
SCENES = range(1, 5)
MISPRINTS = {("va", "fold-5")}
"""Rows whose printed mean is not the mean of the printed columns."""


def preset(track: str) -> dict[str, Any]:
    return read_preset(f"netease_abaw6_{track}")


def over_three_data_sets(*tracks: str) -> dict[str, Any]:
    """Settings that say nothing but which presets, and where the data lies."""
    experiments = [name for track in tracks for name in preset(track)["experiments"]]
    return {
        "presets": [f"netease_abaw6_{track}" for track in tracks],
        "datasets": {
            "affwild2": {"adapter": "affwild2", "root": "data/affwild2", "tasks": ["va", "expr", "au"]},
            "c_expr_db": {"adapter": "c_expr_db", "root": "data/c_expr_db"},
            "hume": {"adapter": "hume_vidmimic2", "root": "data/hume"},
        },
        "experiments": {name: {"dataset": "hume" if "_emi_" in name else "affwild2"} for name in experiments},
    }


@pytest.fixture(autouse=True)
def _weights_are_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abaw_pipeline.features.plan.published_file", lambda name, memory: (Path(name), name))


def checked(*tracks: str) -> Config:
    return check(over_three_data_sets(*tracks), "test")


def scenes(*folds: str) -> set[tuple[str, int]]:
    return {(f"{fold}s{scene}", 0) for fold in folds for scene in SCENES}


def trainings(config: Config, ensembles: Sequence[str]) -> set[tuple[str, str, int]]:
    """Everything that is trained for some ensembles: experiment, fold and seed."""
    return {(name, *run) for one in ensembles for name, runs in config.runs_below(one).items() for run in runs}


@pytest.mark.parametrize("track", TRACKS)
def test_the_official_split_and_five_folds_have_a_model_per_scene(track: str) -> None:
    config = checked(track)
    assert len(trainings(config, list(config.ensembles))) == (1 + 5) * len(SCENES)
    assert all(settings.task == track for settings in config.ensembles.values())


def test_all_tracks_go_together_and_compound_expressions_train_nothing_of_their_own() -> None:
    config = checked(*TRACKS)
    assert len(trainings(config, list(config.ensembles))) == len(WITH_RESULTS) * (1 + 5) * len(SCENES)
    assert preset("ce")["experiments"] == preset("expr")["experiments"]
    assert preset("ce")["features"] == preset("expr")["features"]


@pytest.mark.parametrize("track", WITH_RESULTS)
def test_a_row_of_a_table_is_made_of_the_models_of_its_fold(track: str) -> None:
    config = checked(track)
    (table,) = preset(track)["reported"]
    official, *folds = (row["of"] for row in table["rows"])
    assert config.runs_below(official) == {f"netease_{track}_official": scenes("official")}
    assert [config.runs_below(one) for one in folds] == [
        {f"netease_{track}_kfold": scenes(f"fold{number}")} for number in range(1, 6)
    ]


def test_each_scene_votes_for_a_compound_expression() -> None:
    config = checked("ce")
    assert config.ensembles["netease_ce"].method == "vote"
    voting = [config.runs_below(name) for name in config.members("netease_ce")]
    assert voting == [{"netease_expr_official": {(f"officials{scene}", 0)}} for scene in SCENES]
    assert config.ensemble_datasets("netease_ce") == ["c_expr_db"]


@pytest.mark.parametrize("track", WITH_RESULTS)
def test_reported_means_are_the_means_of_the_reported_columns(track: str) -> None:
    (table,) = preset(track)["reported"]
    assert table["columns"] == [*TASKS[track].columns, "mean"]
    for row in table["rows"]:
        *columns, mean = row["values"]
        rounded = sum(columns) / len(columns) == pytest.approx(mean, abs=1.01e-4)
        assert rounded != ((track, row["name"]) in MISPRINTS), row["name"]


@pytest.mark.parametrize("track", WITH_RESULTS)
def test_what_the_paper_states(track: str) -> None:
    for experiment in checked(track).experiments.values():
        assert experiment.fusion.name == "clip_tokens"
        assert experiment.segment == 100
        assert (experiment.encoder.layers, experiment.encoder.dropout) == (4, 0.3)
        assert (experiment.optimiser.name, experiment.optimiser.lr) == ("adamw", 1e-4)
        assert experiment.head.hidden == []
        assert ("netease_text" in experiment.features) == (track == "emi")


@pytest.mark.parametrize(("track", "smoothed"), [("au", True), ("expr", True), ("va", True), ("emi", False)])
def test_likelihoods_are_smoothed_by_a_sigma_that_is_searched(track: str, smoothed: bool) -> None:
    config = checked(track)
    assert all(ensemble.searches == smoothed for ensemble in config.ensembles.values())
