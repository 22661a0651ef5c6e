"""The presets of Situ Tech and HFUT: what the papers count, and that each is a run once a data set is named."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch

from abaw_pipeline.config import Config
from abaw_pipeline.presets import read_preset, with_presets
from abaw_pipeline.settings_file import check
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.sources import FeatureNote
from abaw_pipeline.training.splits.names import fold_names
from abaw_pipeline.training.targets import build_network
from tests.losses import VA, loss

DATASETS: dict[str, dict[str, Any]] = {
    "situtech_abaw4_mtl": {"adapter": "s_affwild2", "samples": {"mtl": "mtl.txt"}},
    "situtech_abaw5_va": {"adapter": "affwild2", "tasks": ["va"]},
    "hfut_abaw5_eri": {"adapter": "hume_reaction"},
    "hfut_abaw5_expr": {"adapter": "affwild2", "tasks": ["expr"]},
}
"""Of each preset a data set as small as settings can say it."""
RANDOM = {"source": "random", "seed": 0}


@cache
def _config(preset: str) -> Config:
    raw = with_presets({"presets": [preset], "datasets": {"own": {**DATASETS[preset], "root": "data"}}}, "test")
    features = {name: {key: _unweighted(value) for key, value in one.items()} for name, one in raw["features"].items()}
    return check({**raw, "features": features, "allow_random_weights": True}, preset)


def _unweighted(setting: Any) -> Any:
    """Random numbers in the place of weights, which no machine of ours has."""
    return RANDOM if isinstance(setting, dict) and "source" in setting else setting


def _trainings(config: Config, *names: str) -> int:
    """Models that experiments train, all their folds and seeds."""
    chosen = [config.experiments[name] for name in names or config.experiments]
    return sum(len(fold_names(one)) * len(one.seeds) for one in chosen)


def _same_but(one: ExperimentSettings, other: ExperimentSettings) -> set[str]:
    """Fields in which two experiments differ; the order of features does not count."""
    first, second = (each.model_dump() | {"features": set(each.features)} for each in (one, other))
    return {key for key in first if first[key] != second[key]}


@pytest.mark.parametrize("preset", DATASETS)
def test_every_experiment_is_a_network_and_recurrent_ones_carry_their_state(preset: str) -> None:
    config = _config(preset)
    specs = {name: config.plan(name).spec for name in config.features}
    for settings in config.experiments.values():
        notes = [FeatureNote(f, "", specs[f].dimension, specs[f].modality, True) for f in settings.features]
        with torch.device("meta"):
            network = build_network(settings, notes)
        assert network.carries_state is (settings.encoder.name in ("gru", "lstm", "transformer_lstm"))


@pytest.mark.parametrize("preset", DATASETS)
def test_every_feature_is_used(preset: str) -> None:
    config = _config(preset)
    assert {feature for one in config.experiments.values() for feature in one.features} == set(config.features)


@pytest.mark.parametrize("preset", DATASETS)
def test_every_reported_row_is_of_something_that_is_made(preset: str) -> None:
    config = _config(preset)
    made = {None, *config.experiments, *config.ensembles, *config.submission.mtl}
    assert {row["of"] for table in read_preset(preset)["reported"] for row in table["rows"]} <= made


@pytest.mark.parametrize("preset", DATASETS)
def test_reported_means_are_those_of_their_rows(preset: str) -> None:
    for table in read_preset(preset)["reported"]:
        if table["columns"] == ["valence", "arousal", "mean"]:
            for row in table["rows"]:
                valence, arousal, mean = row["values"]
                # The papers cut or round at the last of four or five digits.
                assert (valence + arousal) / 2 == pytest.approx(mean, abs=1e-4), row


def test_evaef_is_nineteen_models_twice_and_six_folds() -> None:
    config = _config("situtech_abaw5_va")
    columns = config.member_columns("evaef_1")
    assert {column: len(names) for column, names in columns.items()} == {"valence": 7, "arousal": 12}
    assert _trainings(config, *columns["valence"], *columns["arousal"]) == 19
    assert _trainings(config, "evaef_folds") == 6
    assert _trainings(config) == 19 + 19 + 6
    assert len({seed for one in columns.values() for name in one for seed in config.experiments[name].seeds}) == 19


def test_evaef_mixes_the_same_models() -> None:
    config = _config("situtech_abaw5_va")
    for column, names in config.member_columns("evaef_1").items():
        mixed = config.member_columns("evaef_3")[column]
        for one, other in zip(names, mixed, strict=True):
            assert _same_but(config.experiments[one], config.experiments[other]) == {"folds", "select"}


def test_evaef_has_one_late_model_of_each_otherwise_identical_pair() -> None:
    experiments = _config("situtech_abaw5_va").experiments
    official = {name: one for name, one in experiments.items() if one.folds.name == "official"}
    late = [name for name, one in official.items() if one.fusion.name == "late"]
    assert late == ["evaef_a02", "evaef_a10"]
    for name in late:
        but = {"fusion", "seeds", "schedule"}
        alike = [o for o, one in official.items() if o[:7] == name[:7] and _same_but(official[name], one) <= but]
        assert len(alike) == 2


@pytest.mark.parametrize(
    ("ensemble", "test_models"),
    [("evaef_1", 19), ("evaef_2", 19), ("evaef_3", 19), ("evaef_4", 38), ("evaef_5", 6)],
)
def test_evaef_submissions_are_of_as_many_models(ensemble: str, test_models: int) -> None:
    runs = _config("situtech_abaw5_va").runs_below(ensemble)
    assert sum(len(models) for models in runs.values()) == test_models


def test_situtech_mtl_is_two_encoders_two_runs_and_three_frameworks() -> None:
    config = _config("situtech_abaw4_mtl")
    assert _trainings(config) == 4 * 2
    assert {name: len(config.members(name)) for name in config.ensembles} == {
        "situtech_va": 2,
        "situtech_expr": 2,
        "situtech_au": 3,
    }
    frameworks = {config.experiments[name].framework.name for name in config.members("situtech_au")}
    assert frameworks == {"basic", "share_bottom", "feedback"}
    assert config.joined_datasets("situtech_mtl") == ["own"]


def test_situtech_loss_weighs_valence_and_arousal_by_twelve_each() -> None:
    target = _config("situtech_abaw4_mtl").experiments["situtech_lstm"].targets["va"]
    truth = torch.zeros(4, 2, dtype=torch.float64)
    off, marks = truth + torch.tensor([1.0, 3.0]), torch.ones(4, 2, dtype=torch.bool)
    error = loss(target.loss.model_dump(), VA)(off, truth, marks).item()
    assert target.weight * error == pytest.approx(12 * 1 + 12 * 9)


def test_hfut_eri_is_seven_settings_and_five_models_together() -> None:
    config = _config("hfut_abaw5_eri")
    assert len(config.experiments) == 7 + 1  # the last holds further seeds of the first
    assert sum(len(runs) for runs in config.runs_below("hfut_eri_ensemble").values()) == 5
    full = config.experiments["hfut_eri"]
    without = {"hfut_eri_no_class": {"loss"}, "hfut_eri_no_ema": {"ema"}, "hfut_eri_no_l2": {"optimiser"}}
    assert {name: _same_but(full, config.experiments[name]) for name in without} == without


def test_hfut_expr_averages_three_models_of_one_feature() -> None:
    config = _config("hfut_abaw5_expr")
    members = config.members("hfut_expr")
    assert [len(config.experiments[name].features) for name in members] == [1, 1, 1]
