"""Published systems as settings: what selects, overrides and shrinks them, and what is wrong in one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from preset_data import IMPLIED, RANDOM, affwild2, settings

from abaw_pipeline import presets
from abaw_pipeline.config import Config
from abaw_pipeline.demo_scale import EPOCHS, WIDTH
from abaw_pipeline.models.parts import Part
from abaw_pipeline.models.registry import build_fusion
from abaw_pipeline.presets import known_presets, read_preset
from abaw_pipeline.settings_file import check
from abaw_pipeline.training.splits.names import fold_names

NETWORK = {"extractor": "regnet", "weights": RANDOM}
TRAINING: dict[str, Any] = {"task": "va", "features": ["face"], "encoder": {"name": "gru", "hidden": 64}, "epochs": 30}
PRESET: dict[str, Any] = {
    "features": {"face": NETWORK},
    "experiments": {"first": TRAINING},
    "ensembles": {"va": {"task": "va", "members": ["first"]}},
    "reported": [],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where presets are looked for: ``one`` lies there."""
    monkeypatch.setattr(presets, "FOLDER", tmp_path)
    read_preset.cache_clear()
    _write(tmp_path, "one", PRESET)
    yield tmp_path
    read_preset.cache_clear()


def _write(folder: Path, name: str, raw: Any) -> None:
    (folder / f"{name}.yaml").write_text(raw if isinstance(raw, str) else yaml.safe_dump(raw))


def _check(*names: str, **more: Any) -> Config:
    raw = {"presets": [*names], "allow_random_weights": True, "datasets": affwild2("va"), **more}
    return check(raw, "config.yaml")


def _leaves(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*at, key))
    else:
        yield at, value


def test_those_that_are_run_are_those_there_are():
    assert sorted(IMPLIED) == known_presets()


@pytest.mark.parametrize("name", IMPLIED)
def test_every_preset_has_as_many_models_as_its_paper(name):
    config = check(settings(name, "full"), "config.yaml")
    assert sum(len(fold_names(one)) * len(one.seeds) for one in config.experiments.values()) == IMPLIED[name].trainings


@pytest.mark.parametrize("name", IMPLIED)
def test_scale_demo_changes_widths_epochs_and_networks_alone(name):
    full, demo = (check(settings(name, scale), "config.yaml") for scale in ("full", "demo"))
    for section in ("experiments", "ensembles", "media", "submission"):
        before, after = (dict(_leaves(config.model_dump(include={section}))) for config in (full, demo))
        assert before.keys() == after.keys()
        changed = {path for path in before if before[path] != after[path]}
        assert {path[-1] for path in changed} <= {
            *("width", "hidden", "feedforward", "head_width"),
            *("epochs", "warmup", "first", "last"),
        }
        counted = [path for path in changed if path[-1] in ("first", "last", "warmup")]
        assert all(after[path] <= EPOCHS for path in counted)
    assert all(one.epochs <= EPOCHS for one in demo.experiments.values())
    for feature, settings_ in full.features.items():
        if not full.plan(feature).spec.network:
            assert demo.features[feature] == settings_
            continue
        stand_in, spec = demo.plan(feature), full.plan(feature).spec
        assert stand_in.random
        assert (stand_in.spec.modality, stand_in.spec.source) == (spec.modality, spec.source)
        assert stand_in.spec.dimension <= max(40, 2 * WIDTH)


@pytest.mark.parametrize("name", IMPLIED)
def test_no_two_stand_ins_are_the_same(name):
    features = check(settings(name, "demo"), "config.yaml").features
    said = [settings_.model_dump_json() for settings_ in features.values() if "stand_in" in settings_.extractor]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize("name", IMPLIED)
def test_every_network_can_be_built_at_demo_scale(name):
    config = check(settings(name, "demo"), "config.yaml")
    specs = {feature: config.plan(feature).spec for feature in config.features}
    for one in config.experiments.values():
        parts = [Part(feature, specs[feature].modality, specs[feature].dimension) for feature in one.features]
        fusion = build_fusion(one.fusion, parts, one.encoder)
        assert 0 < fusion.width <= 40 * 3 * len(parts)


def test_what_the_file_says_counts(folder):
    config = _check("one", experiments={"first": {"epochs": 3}}, ensembles={"va": {"method": "median"}})
    assert (config.experiments["first"].epochs, config.experiments["first"].encoder.input_width) == (3, 64)
    assert config.ensembles["va"].method == "median" and config.ensembles["va"].members == ["first"]


def test_a_part_of_another_kind_takes_nothing_over(folder):
    encoder = {"name": "transformer", "width": 32, "heads": 4}
    config = _check("one", experiments={"first": {"encoder": encoder}}, features={"face": {"extractor": "fbank"}})
    assert config.experiments["first"].encoder.input_width == 32
    assert config.features["face"].extractor == "fbank"


def test_a_feature_that_the_file_makes_itself_is_no_stand_in(folder):
    assert _check("one", scale="demo").features["face"].extractor == "stand_in_visual"
    assert _check("one", scale="demo", features={"face": {"size": 224}}).features["face"].extractor == "stand_in_visual"
    assert _check("one", scale="demo", features={"face": NETWORK}).features["face"].extractor == "regnet"
    assert _check("one", scale="demo", experiments={"first": {"epochs": 9}}).experiments["first"].epochs == 9


def test_settings_that_jobs_read_are_not_joined_again(folder):
    config = _check("one", scale="demo")
    again = check(config.model_dump(mode="json", exclude={"grids"}, exclude_unset=True), "copy")
    assert again == config


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["on"], "config.yaml: presets: no preset 'on'; did you mean 'one'?"),
        (
            ["one", "two"],
            "config.yaml: presets: 'two' and another one differ in experiments.first.epochs; set it in this file",
        ),
        (["bad"], "not valid YAML"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder, names, message):
    _write(folder, "two", {**PRESET, "experiments": {"first": TRAINING | {"epochs": 31}}})
    _write(folder, "bad", "features: [")
    with pytest.raises(ValueError) as error:
        _check(*names)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_two_presets_that_differ_are_settled_by_the_file(folder):
    _write(folder, "two", {**PRESET, "experiments": {"first": TRAINING | {"epochs": 31}, "second": TRAINING}})
    config = _check("one", "two", experiments={"first": {"epochs": 7}})
    assert config.experiments["first"].epochs == 7 and "second" in config.experiments
    assert read_preset("one") == PRESET, "what was read is not changed by joining"


def test_an_experiment_trains_on_the_only_data_set_with_labels_of_its_task(folder):
    data = {**affwild2("va"), "faces": {"adapter": "affwild2", "root": "faces", "tasks": ["expr"]}}
    assert _check("one", datasets=data).experiments["first"].dataset == "affwild2"
    both = {**data, "faces": data["faces"] | {"tasks": ["va", "expr"]}}
    with pytest.raises(ValueError, match=r"experiments.first.dataset: several data sets \(affwild2, faces\)"):
        _check("one", datasets=both)
    joined = {"first": {"extra": ["faces"]}}
    assert _check("one", datasets=both, experiments=joined).experiments["first"].dataset == "affwild2"
