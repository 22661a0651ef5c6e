"""Keys of trainings, and models on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from abaw_pipeline.runtime.files import read_json, write_json
from abaw_pipeline.training import fit as fit_module
from abaw_pipeline.training.card import card_in_weights, read_card
from abaw_pipeline.training.gather import gather
from abaw_pipeline.training.model_store import load_model
from abaw_pipeline.training.train import train
from abaw_pipeline.types import FrameTable
from tests.toy_results import TRAINABLE, Toy, experiment, run

torch.set_num_threads(1)


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path, TRAINABLE)


def key_of(toy: Toy, fold: str = "official", seed: int = 0, **changes: object) -> str:
    return gather(experiment(**changes), fold, seed, toy.layout, None).key


def test_what_the_key_does_not_see(toy: Toy) -> None:
    key = key_of(toy)
    toy.add("c06", "test")
    toy.write()
    assert key_of(toy) == key
    assert key_of(toy, seeds=[0, 5], dataset="elsewhere", stride=20) == key


def test_what_the_key_sees(toy: Toy) -> None:
    keys = [key_of(toy), key_of(toy, seed=1), key_of(toy, epochs=3), key_of(toy, encoder={"name": "gru"})]
    toy.labels["c03"][4, 0] += 0.01
    toy.write()
    keys.append(key_of(toy))
    toy.tables["lin"]["c00"].values[0, 0] += 1
    toy.write()
    keys.append(key_of(toy))
    toy.add("c07", "train")
    toy.write()
    keys.append(key_of(toy))
    assert len(set(keys)) == len(keys)


def test_trained_once(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    card, done = run(toy)
    assert done
    monkeypatch.setattr(fit_module, "fit", None)  # training again would fail
    again, done = run(toy)
    assert not done
    assert again == card
    file = toy.layout.model("x", "official", 0) / "model.json"
    before = file.read_bytes()
    file.unlink()  # as Snakemake does before it runs a job again
    assert run(toy) == (card, False)
    assert file.read_bytes() == before
    with pytest.raises(TypeError):
        run(toy, epochs=3)


def test_a_checkpoint_that_a_kill_left_beside_its_model_goes(toy: Toy) -> None:
    run(toy)
    checkpoint = toy.layout.checkpoint("x", "official", 0)
    assert not checkpoint.exists()
    checkpoint.write_bytes(b"left")
    assert not run(toy)[1]
    assert not checkpoint.exists()


def test_features_made_anew_that_came_out_the_same_train_nothing_but_are_named(toy: Toy) -> None:
    card, _ = run(toy)
    toy.write_feature("lin", "other key")
    again, done = run(toy)
    assert not done and again.content == card.content
    assert ([note.key for note in card.features], [note.key for note in again.features]) == (["key"], ["other key"])
    folder = toy.layout.model("x", "official", 0)
    assert read_card(folder) == card_in_weights(folder) == again
    before, after = load_model(folder), toy.tables["lin"]["c05"]
    assert before.card == again and before.predict({"lin": after})["va"].shape == (60, 2)


def test_features_of_other_settings_are_refused(toy: Toy) -> None:
    train("x", experiment(), "official", 0, toy.layout, feature_keys={"lin": "key"})
    with pytest.raises(ValueError, match=r"'lin' was extracted with other settings.*abaw extract"):
        train("x", experiment(), "official", 0, toy.layout, feature_keys={"lin": "new"})
    with pytest.raises(ValueError, match=r"more.json: not there yet"):
        run(toy, features=["more"])


def test_a_store_that_disagrees_with_its_manifest_stops(toy: Toy) -> None:
    path = toy.layout.feature_manifest("lin")
    manifest = read_json(path, "")
    manifest["clips"]["c00"]["key"] = "another"
    write_json(path, manifest)
    with pytest.raises(ValueError, match="clip 'c00' was made from other settings"):
        run(toy)


def test_model_folder_round_trip(toy: Toy) -> None:
    toy.tables["dice"] = {clip: FrameTable(t.values[:, :2] * 0, t.valid) for clip, t in toy.tables["lin"].items()}
    toy.write()
    card, _ = run(toy, features=["lin", "dice"], gap="zero", stride=10)
    folder = toy.layout.model("x", "official", 0)
    assert sorted(path.name for path in folder.iterdir()) == ["history.csv", "model.json", "weights.safetensors"]
    assert read_card(folder) == card
    assert read_json(folder / "model.json", "")["random_features"] == ["dice"]
    model = load_model(folder)
    features = {name: toy.tables[name]["c05"] for name in ("dice", "lin")}
    values = model.predict(features)["va"]
    assert values.shape == (60, 2)
    assert np.isfinite(values).all() and np.abs(values).max() <= 1
    with pytest.raises(ValueError, match="needs the feature 'dice'"):
        model.predict({"lin": features["lin"]})
    with pytest.raises(ValueError, match="'dice' has shape"):
        model.predict({"lin": features["lin"], "dice": features["lin"]})


def test_damaged_models_are_refused(toy: Toy) -> None:
    run(toy)
    folder = toy.layout.model("x", "official", 0)
    text = (folder / "model.json").read_text()
    raw = json.loads(text)
    raw["settings"]["encoder"]["hidden"] = 17
    write_json(folder / "model.json", raw)
    with pytest.raises(ValueError, match=r"weights.safetensors: does not fit model.json"):
        load_model(folder)
    raw["settings"]["encoder"]["hiden"] = 17
    write_json(folder / "model.json", raw)
    with pytest.raises(ValueError, match="written by another version"):
        load_model(folder)
    with pytest.raises(ValueError, match="not there yet"):
        load_model(folder.parent / "nothing")
    (folder / "model.json").write_text(text)
    (folder / "weights.safetensors").write_bytes(b"torn")
    with pytest.raises(ValueError, match=r"weights.safetensors: missing or damaged"):
        load_model(folder)
    assert run(toy)[1], "a damaged model is trained again"
