"""Settings: what is wrong is said in one line that names file and key."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from abaw_pipeline.config import Config
from abaw_pipeline.settings_file import check, load

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "config.yaml"


def _raw():
    return {
        "allow_random_weights": True,
        "datasets": {"demo": {"adapter": "affwild2", "root": "data/demo"}},
        "features": {
            "densenet": {"extractor": "densenet", "weights": {"source": "random"}},
            "fbank": {"extractor": "fbank", "bins": 80},
        },
        "experiments": {
            "va_a": {"task": "va", "features": ["densenet"], "encoder": {"name": "gru", "hidden": 8}},
        },
        "ensembles": {"va": {"task": "va", "members": ["va_*"]}},
    }


def _edit(path, value):
    raw = _raw()
    target = raw
    *parents, last = path
    for key in parents:
        target = target[key]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return raw


def test_the_shipped_file_is_valid_and_lists_its_members():
    config = load(SHIPPED)
    assert set(config.members("va")) == set(config.experiments)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            ("experiments", "va_a", "encoder", "hiden"),
            3,
            "experiments.va_a.encoder.hiden: unknown key; did you mean 'hidden'?",
        ),
        (
            ("experiments", "va_a", "encoder", "name"),
            "grru",
            "experiments.va_a.encoder.name: no such name 'grru'; did you mean 'gru'?",
        ),
        (("experiments", "va_a", "featres"), [], "experiments.va_a.featres: unknown key; did you mean 'features'?"),
        (
            ("experiments", "va_a", "features"),
            ["densnet"],
            "experiments.va_a.features: no feature 'densnet'; did you mean 'densenet'?",
        ),
        (("experiments", "va_a", "epochs"), "many", "experiments.va_a.epochs: "),
        (("features", "fbank", "bin"), 3, "features.fbank.bin: unknown key; did you mean 'bins'?"),
        (
            ("features", "fbank", "extractor"),
            "fbnk",
            "features.fbank.extractor: no such name 'fbnk'; did you mean 'fbank'?",
        ),
        (("features", "densenet", "weights"), None, "features.densenet: "),
        (("datasets", "demo", "root"), None, "datasets.demo.root: missing"),
        (("ensembles", "va", "members"), ["vb_*"], "ensembles.va.members: no experiment or ensemble 'vb_*'"),
        (("allow_random_weights",), False, "features.densenet: "),
        (("shards",), 0, "shards: "),
        (("shrads",), 2, "shrads: unknown key; did you mean 'shards'?"),
    ],
)
def test_wrong_settings_are_one_line(path, value, message):
    with pytest.raises(ValueError) as error:
        check(_edit(path, value), "config.yaml")
    text = str(error.value)
    assert text.startswith(f"config.yaml: {message}"), text
    assert "\n" not in text


def test_the_command_line_ends_with_two_and_one_line(tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(_edit(("experiments", "va_a", "encoder", "hiden"), 3)))
    done = subprocess.run(
        [sys.executable, "-m", "abaw_pipeline", "check"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "abaw: config.yaml: experiments.va_a.encoder.hiden: unknown key; did you mean 'hidden'?\n"


def test_scientific_notation_without_a_dot_is_a_number():
    raw = yaml.safe_load("lr: 1e-4")
    assert raw["lr"] == "1e-4"  # the trap of YAML 1.1 that this guards against
    config = check(_edit(("experiments", "va_a", "optimiser"), {"name": "adam", **raw}), "config.yaml")
    assert config.experiments["va_a"].optimiser.lr == pytest.approx(1e-4)


def test_overrides_reach_their_key():
    config = load(SHIPPED, ("media.faces.size=224", "shards=3"))
    assert (config.media.faces.size, config.shards) == (224, 3)
    with pytest.raises(ValueError, match=r"key\.path=value"):
        load(SHIPPED, ("shards",))


def test_a_grid_expands_to_named_experiments():
    raw = _raw()
    raw["grids"] = {
        "g": {
            "task": "va",
            "features": {"a": ["densenet"], "b": ["densenet", "fbank"]},
            "encoders": {"small": {"name": "gru", "hidden": 4}, "big": {"name": "gru", "hidden": 8}},
            "seeds": [0, 1],
        }
    }
    config = check(raw, "config.yaml")
    assert {"g_a_small", "g_a_big", "g_b_small", "g_b_big"} < set(config.experiments)
    assert config.experiments["g_b_big"].features == ["densenet", "fbank"]
    assert config.experiments["g_b_big"].encoder.hidden == 8


def test_several_labelled_data_sets_must_be_told_apart():
    raw = _raw()
    raw["datasets"]["other"] = {"adapter": "recordings", "root": "data/other"}
    assert check(raw, "config.yaml").experiments["va_a"].dataset == "demo"
    raw["datasets"]["more"] = {"adapter": "affwild2", "root": "data/more"}
    with pytest.raises(ValueError, match=r"^config.yaml: experiments.va_a.dataset: several data sets"):
        check(raw, "config.yaml")


def test_the_json_schema_agrees_with_the_model():
    schema = Config.model_json_schema()
    printed = subprocess.run(
        [sys.executable, "-m", "abaw_pipeline", "schema"], capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(printed) == schema
    assert json.loads((ROOT / "workflow/config.schema.json").read_text()) == schema, "run make schema"
    assert "$schema=workflow/config.schema.json" in SHIPPED.read_text()
    raw = yaml.safe_load(SHIPPED.read_text().replace("1e-3", "0.001").replace("1e-4", "0.0001"))
    jsonschema.validate(raw, schema)
    raw["experiments"]["va_folds"]["encoder"]["hiden"] = 3
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(raw, schema)


def test_what_a_run_saves_is_the_same_settings(tmp_path):
    from abaw_pipeline.runtime.snapshot import save_settings

    config = load(SHIPPED, (f"results={tmp_path}",))
    again = load(save_settings(config))
    assert again.experiments == config.experiments
    assert again.features == config.features
