"""Every experiment that docs/experiments.md shows can be run as it stands."""

from __future__ import annotations

import re
from typing import get_args

import pytest
import torch
import yaml

from abaw_pipeline.ensembles.settings import EnsembleSettings, SmoothName
from abaw_pipeline.features.files.stack import Stack
from abaw_pipeline.models.registry import ENCODERS, FRAMEWORKS, FUSIONS
from abaw_pipeline.settings_file import check
from abaw_pipeline.strict import plain
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.registry import LOSSES
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.sources import FeatureNote
from abaw_pipeline.training.targets import build_network
from tests.project import ROOT

TEXT = (ROOT / "docs/experiments.md").read_text()
SHOWN = {
    name: raw
    for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    for name, raw in yaml.safe_load(block).items()
}
OWN = yaml.safe_load(re.findall(r"```yaml settings\n(.*?)```", TEXT, re.DOTALL)[0])
"""The example of tasks that a user defines."""
STACKING, ENSEMBLES = (
    yaml.safe_load(re.findall(rf"```yaml {name}\n(.*?)```", TEXT, re.DOTALL)[0]) for name in ("stacking", "ensembles")
)
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())


@pytest.mark.parametrize("name", SHOWN)
def test_an_experiment_of_the_page_is_a_network(name: str) -> None:
    settings = ExperimentSettings.model_validate(plain(SHOWN[name]))
    modality = {feature: "audio" if feature in ("fbank", "egemaps") else "visual" for feature in settings.features}
    notes = [FeatureNote(feature, "", 5, modality[feature], True) for feature in settings.features]
    with torch.device("meta"):
        network = build_network(settings, notes)
        mask = torch.ones(2, 7, dtype=torch.bool)
        predicted = network(torch.zeros(2, 7, 5 * len(notes)), mask[..., None].expand(2, 7, len(notes)), mask)
    for task in settings.predicted:
        frames = (7,) if task.level == "frame" else ()
        assert predicted.values[task.name].shape == (2, *frames, len(task.columns))


def test_frame_experiments_of_the_page_are_settings_of_the_shipped_file() -> None:
    shown = {name: raw for name, raw in SHOWN.items() if raw.get("task") != "eri"}
    datasets = {"demo": {**CONFIG["datasets"]["demo"], "tasks": ["va", "expr", "au"]}}
    config = check({**CONFIG, "datasets": datasets, "experiments": shown, "grids": {}, "ensembles": {}}, "page")
    assert set(config.experiments) == set(shown)


def test_tasks_of_the_page_are_settings() -> None:
    config = check({**OWN, "features": CONFIG["features"], "allow_random_weights": True}, "page")
    assert config.datasets["lessons"].labelled == list(OWN["tasks"])
    assert [task.kind for task in config.experiments["engagement_gru"].predicted] == ["numbers"]


def test_ensembles_and_stacking_of_the_page_are_settings() -> None:
    datasets = {"demo": {**CONFIG["datasets"]["demo"], "tasks": ["va", "expr", "au"]}}
    features = {**CONFIG["features"], **STACKING["features"]}
    shown = {"features": features, "experiments": STACKING["experiments"], **ENSEMBLES}
    config = check({**CONFIG, "datasets": datasets, "grids": {}, **shown}, "page")
    assert config.chain("va_both") == ["va", "va_apart", "va_both"]
    assert [config.plan(name).spec.dimension for name in STACKING["features"]] == [4, 2, 10]


def test_every_setting_of_an_ensemble_and_of_a_stack_is_on_the_page() -> None:
    sections = [ENSEMBLES["ensembles"].values(), STACKING["features"].values()]
    shown = [{key for entry in section for key in entry} for section in sections]
    assert set(EnsembleSettings.model_fields) - {"datasets", "extra_rows"} == shown[0]
    assert set(Stack.Settings.__annotations__) - {"predictions", "models"} == shown[1]
    smooths = [entry["smooth"] for entry in ENSEMBLES["ensembles"].values() if "smooth" in entry]
    assert {smooth["name"] for smooth in smooths} == set(get_args(SmoothName))
    methods = {entry.get("method", "mean") for entry in ENSEMBLES["ensembles"].values()}
    assert methods == set(get_args(EnsembleSettings.model_fields["method"].annotation))


@pytest.mark.parametrize("names", [ENCODERS, FUSIONS, FRAMEWORKS, LOSSES], ids=lambda names: next(iter(names)))
def test_the_page_names_everything_there_is(names: dict[str, object]) -> None:
    assert set(names) <= set(re.findall(r"`([a-z0-9_]+)`", TEXT))


def test_every_setting_of_a_training_is_on_the_page() -> None:
    words = set(re.findall(r"\w+", TEXT))
    assert set(ExperimentSettings.model_fields) - {"dataset", "normalise", "extra_rows"} <= words
    assert set(TASKS) <= words
