"""Predictions of one model, and of several."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from abaw_pipeline.cli.ensemble import command as ensemble_verb
from abaw_pipeline.cli.infer import command as infer_verb
from abaw_pipeline.cli.train import command as train_verb
from abaw_pipeline.ensembles.blend import blend
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.metrics import mean_ccc
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.training import model_store
from abaw_pipeline.training.infer import infer
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.splits.names import fold_names
from abaw_pipeline.training.train import train
from tests.made_predictions import write_predictions
from tests.toy_results import Toy

torch.set_num_threads(1)

SPLITS = {f"c{i:02d}": side for i, side in enumerate(["train"] * 4 + ["val"] * 2 + ["test"] * 2)}
SETTINGS = EnsembleSettings(members=["*"])
KFOLD = {"name": "kfold", "k": 2}


def experiment(**changes: object) -> ExperimentSettings:
    raw: dict[str, object] = {"task": "va", "features": ["lin"], "encoder": {"name": "gru", "hidden": 4}}
    raw |= {"epochs": 1, "segment": 30}
    return ExperimentSettings.model_validate(raw | changes)


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path, SPLITS)


def run(toy: Toy, name: str, target: Toy | None = None, **changes: object) -> dict[tuple[str, int], Manifest]:
    settings, found = experiment(**changes), {}
    for fold in fold_names(settings):
        for seed in settings.seeds:
            train(name, settings, fold, seed, toy.layout)
            found[fold, seed] = infer(name, settings, fold, seed, toy.layout, (target or toy).layout)
    return found


def roles_of(manifest: Manifest) -> dict[str, str]:
    return {clip: entry["role"] for clip, entry in manifest.clips.items()}


# infer


def test_who_is_predicted(toy: Toy) -> None:
    official = run(toy, "a")["official", 0]
    assert roles_of(official) == {"c04": "val", "c05": "val", "c06": "test", "c07": "test"}
    assert official == Manifest.read(toy.layout.predictions_manifest("a", "official", 0), "")
    store = ArrayStore(toy.layout.predictions("a", "official", 0), "")
    assert store.clips() == sorted(official.clips)
    values = store.read_arrays("c06", official.clips["c06"]["key"])["va"]
    assert values.shape == (60, 2) and values.dtype == np.float32
    assert np.isfinite(values).all() and np.abs(values).max() <= 1


def test_out_of_fold_clips_are_predicted_once(toy: Toy) -> None:
    every = [roles_of(m) for m in run(toy, "k", folds=KFOLD).values()]
    held = [clip for roles in every for clip, role in roles.items() if role == "val"]
    assert sorted(held) == ["c00", "c01", "c02", "c03", "c04", "c05"]
    assert all(roles["c06"] == roles["c07"] == "test" for roles in every)
    apart = [roles_of(m) for m in run(toy, "t", folds={**KFOLD, "over": "train"}).values()]
    assert all(roles["c04"] == roles["c05"] == "apart" for roles in apart)


def test_another_data_set_is_predicted_whole(toy: Toy, tmp_path: Path) -> None:
    other = Toy(tmp_path, {"c00": "train", "z": "test"}, dataset="other")
    manifest = run(toy, "a", other)["official", 0]
    assert roles_of(manifest) == {"c00": "all", "z": "all"}
    assert manifest.about["trained_on"] == []


def test_only_new_clips_are_predicted(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run(toy, "a")["official", 0]
    toy.add("c08", "test")
    toy.splits["c07"] = "none"
    toy.write()
    predicted: list[str] = []
    real = model_store.TrainedModel.predict
    spy = lambda self, tables, clip, still: predicted.append(clip) or real(self, tables, clip, still)  # noqa: E731
    monkeypatch.setattr(model_store.TrainedModel, "predict", spy)
    after = run(toy, "a")["official", 0]
    assert predicted == ["c08"]
    assert sorted(after.clips) == ["c04", "c05", "c06", "c08"]
    assert after.clips["c06"] == before.clips["c06"]
    assert ArrayStore(toy.layout.predictions("a", "official", 0), "").clips() == sorted(after.clips)
    toy.tables["lin"]["c06"].values[5] += 1
    toy.write()
    assert run(toy, "a")["official", 0].clips["c06"] != before.clips["c06"]
    assert predicted == ["c08", "c06"]


def test_models_of_other_settings_are_refused(toy: Toy) -> None:
    run(toy, "a")
    with pytest.raises(ValueError, match=r"or code than now; run 'abaw train a --fold official --seed 0'"):
        infer("a", experiment(epochs=2), "official", 0, toy.layout, toy.layout)
    toy.write_feature("lin", "other")
    with pytest.raises(ValueError, match=r"feature 'lin' was extracted with other settings.*abaw train"):
        infer("a", experiment(), "official", 0, toy.layout, toy.layout)


def test_a_clip_without_a_feature_is_reported(toy: Toy) -> None:
    toy.lost["lin"] = {"c06"}
    toy.write()
    manifest = run(toy, "a")["official", 0]
    assert [row.clip for row in manifest.skipped] == ["c06"]
    assert "c07" in manifest.clips


# the verbs


def test_verbs(toy: Toy) -> None:
    config = SimpleNamespace(
        device="cpu",
        experiments={"a": experiment(dataset="toy")},
        ensembles={"e": EnsembleSettings(members=["a"])},
        plan=lambda feature: SimpleNamespace(key="key"),
        members=lambda name: {"a": experiment(dataset="toy")},
        member_columns=lambda name: {"valence": ["a"], "arousal": ["a"]},
        chosen_on=lambda name: None,
        ensemble_datasets=lambda name: ["toy"],
    )
    run = SimpleNamespace(
        file="config.yaml", config=config, layout=lambda dataset: toy.layout, device=lambda what, threads, share: None
    )

    def call(verb: click.Command, *arguments: str) -> str:
        done = CliRunner().invoke(verb, [*arguments], obj=run, catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout.splitlines()[-1]

    one = ("a", "--fold", "official", "--seed", "0", "--threads", "1")
    assert re.match(r"a official-0: 1 epoch trained .* epoch 1 of 1, validation CCC of va", call(train_verb, *one))
    assert "a official-0: up to date" in call(train_verb, *one)
    assert "a official-0 on toy: 4 clips predicted (240 frames, " in call(infer_verb, *one)
    assert "a official-0 on toy: 4 clips up to date" in call(infer_verb, *one)
    assert re.match(r"e on toy: 4 clips fused \(240 frames, .*\) from 1 models; val CCC", call(ensemble_verb, "e"))
    assert "e on toy: 4 clips up to date from 1 models" in call(ensemble_verb, "e")
    for verb, arguments, message in (
        (train_verb, ("b", "--fold", "official", "--seed", "0"), "config.yaml: no experiment 'b'; known: a"),
        (train_verb, ("a", "--fold", "oficial", "--seed", "0"), "no fold 'oficial'; did you mean 'official'"),
        (infer_verb, ("a", "--fold", "official", "--seed", "9"), "experiments.a has no seed '9'; known: 0"),
        (ensemble_verb, ("f",), "config.yaml: no ensemble 'f'; known: e"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            call(verb, *arguments)


# ensembles


def write_constant(toy: Toy, name: str, values: dict[str, float], rows: int = 60, trained_on: tuple[str, ...] = ()):
    """Constant predictions of one made-up model (arousal half of valence)."""
    said = {
        clip: ("test" if toy.splits[clip] == "test" else "val", np.tile([value, value / 2], (rows, 1)))
        for clip, value in values.items()
    }
    random = ["dice"] if name == "b" else []
    write_predictions(toy.layout, (name, "official", 0), said, trained_on=trained_on, random=random)
    return experiment()


def fused(toy: Toy, clip: str) -> np.ndarray:
    return ArrayStore(toy.layout.ensemble("e"), "").read_arrays(clip)["va"]


def test_known_mean_and_a_missing_clip(toy: Toy) -> None:
    members = {
        "a": write_constant(toy, "a", {"c04": 0.2, "c06": 0.5, "c07": 0.1}),
        "b": write_constant(toy, "b", {"c04": 0.6, "c06": -0.3}),
        "c": write_constant(toy, "c", {"c04": 0.1}, trained_on=("c06", "c07")),
    }
    manifest = blend("e", SETTINGS, members, toy.layout)
    assert fused(toy, "c04")[7] == pytest.approx([0.3, 0.15])
    assert fused(toy, "c06")[7] == pytest.approx([0.1, 0.05])
    assert fused(toy, "c07")[7] == pytest.approx([0.1, 0.05])
    assert {clip: entry["models"] for clip, entry in manifest.clips.items()} == {"c04": 3, "c06": 2, "c07": 1}
    assert [row.clip for row in manifest.skipped] == ["c07"]
    assert "mean over the other 1 was taken; without b/official-0" in manifest.skipped[0].reason
    assert manifest.about["random_features"] == ["dice"]
    assert manifest == Manifest.read(toy.layout.ensemble_manifest("e"), "")


def test_a_clip_nobody_predicted_is_reported(toy: Toy) -> None:
    toy.lost["lin"] = {"c06"}
    toy.write()
    run(toy, "a", seeds=[0, 1])
    manifest = blend("e", SETTINGS, {"a": experiment(seeds=[0, 1])}, toy.layout)
    assert [row.clip for row in manifest.skipped] == ["c06"]
    assert "no model predicted it" in manifest.skipped[0].reason
    assert "c06" not in manifest.clips


def test_scores_are_over_all_held_out_frames_together(toy: Toy) -> None:
    toy.labels["c04"][10:20] = -5
    toy.labels["c05"] = np.concatenate([toy.labels["c05"], toy.labels["c05"][:2]])
    toy.write()
    run(toy, "a")
    run(toy, "k", folds=KFOLD, seeds=[3])
    members = {"a": experiment(), "k": experiment(folds=KFOLD, seeds=[3])}
    manifest = blend("e", SETTINGS, members, toy.layout)
    assert manifest.skipped == []
    counts = {clip: entry["models"] for clip, entry in manifest.clips.items()}
    assert counts == {**dict.fromkeys(["c00", "c01", "c02", "c03"], 1), "c04": 2, "c05": 2, "c06": 3, "c07": 3}
    truth, guess = [], []
    for clip in sorted(toy.labels):
        here = toy.labels[clip][:, 0] != -5
        longer = np.concatenate([fused(toy, clip), np.repeat(fused(toy, clip)[-1:], 5, axis=0)])
        truth.append(toy.labels[clip][here])
        guess.append(longer[: len(here)][here])
    score = manifest.about["scores"]["val"]
    expected, each = mean_ccc(np.concatenate(truth), np.concatenate(guess))
    assert score["mean"] == pytest.approx(expected, abs=1e-6)
    assert [score["valence"], score["arousal"]] == pytest.approx(each, abs=1e-6)
    assert (score["frames"], score["clips"]) == (6 * 60 - 10 + 2, 6)
    assert set(manifest.about["scores"]) == {"val"}


def test_fused_once(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    members = {"a": write_constant(toy, "a", {"c04": 0.2, "c06": 0.5})}
    first = blend("e", SETTINGS, members, toy.layout)
    written: list[str] = []
    real = ArrayStore.write_arrays
    monkeypatch.setattr(
        ArrayStore, "write_arrays", lambda self, clip, *rest: written.append(clip) or real(self, clip, *rest)
    )
    assert blend("e", SETTINGS, members, toy.layout) == first
    assert written == []
    write_constant(toy, "a", {"c04": 0.2, "c07": 0.5})
    written.clear()
    blend("e", SETTINGS, members, toy.layout)
    assert written == ["c07"]
    assert ArrayStore(toy.layout.ensemble("e"), "").clips() == ["c04", "c07"]


def test_errors(toy: Toy) -> None:
    members = {"a": write_constant(toy, "a", {"c04": 0.2}), "b": write_constant(toy, "b", {"c04": 0.2}, rows=59)}
    with pytest.raises(ValueError, match=r"c04: the models' predictions have different shapes"):
        blend("e", SETTINGS, members, toy.layout)
    with pytest.raises(ValueError, match=r"abaw infer n --fold official --seed 0 --dataset toy"):
        blend("e", SETTINGS, {"n": experiment()}, toy.layout)
    with pytest.raises(ValueError, match="has no member"):
        blend("e", SETTINGS, {}, toy.layout)
