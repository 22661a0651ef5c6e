"""Predictions of a first stage as a feature of a second one: whose scores a clip gets, and that no label leaks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from abaw_pipeline.ensembles.blend import blend
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.files.stack import HELD, TRAINED, Stack
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.metrics import mean_ccc
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.strict import parse
from abaw_pipeline.training.infer import infer
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.splits.names import fold_names
from abaw_pipeline.training.train import train
from abaw_pipeline.types import Clock, FrameTable
from tests.made_predictions import write_predictions
from tests.toy_results import Toy, experiment

torch.set_num_threads(1)

ROWS = 4


def stack(layout: Layout, models: dict[str, list[str]], **raw: object) -> Stack:
    settings = {"extractor": "stack", "task": "va", "experiments": list(models), "models": models, **raw}
    return Stack(parse(Stack.Settings, {**settings, "predictions": f"{layout.home}/predictions"}, "config.yaml"))


def read(made: Stack, clip: str, frames: int = ROWS) -> np.ndarray:
    return made.table(clip, Clock(np.arange(frames) / 25)).values


def constant(value: float) -> np.ndarray:
    """Valence ``value``, arousal a tenth of it."""
    return np.tile(np.array([value, value / 10]), (ROWS, 1))


@pytest.fixture
def two_folds(tmp_path: Path) -> Layout:
    """``x`` with two folds: one holds a out and trains on b, the other the other way round; t is a test clip."""
    layout = Layout(tmp_path, "toy")
    for fold, held, trained, value in (("fold1", "a", "b", 0.1), ("fold2", "b", "a", 0.3)):
        said = {held: (HELD, constant(value)), trained: (TRAINED, constant(9)), "t": ("test", constant(value))}
        write_predictions(layout, ("x", fold, 0), said, trained_on=[trained])
    return layout


BOTH = {"x": ["fold1-0", "fold2-0"]}


def test_a_clip_gets_scores_of_models_that_never_saw_it_and_a_test_clip_the_mean_of_all(two_folds: Layout) -> None:
    made = stack(two_folds, BOTH, mode="single")
    for clip, value in (("a", 0.1), ("b", 0.3), ("t", 0.2)):
        np.testing.assert_allclose(read(made, clip), constant(value), rtol=1e-6)


def test_repeated_gives_one_score_per_experiment_and_column(two_folds: Layout) -> None:
    write_predictions(two_folds, ("y", "fold1", 0), {"a": (HELD, constant(0.5)), "t": ("test", constant(0.7))})
    made = stack(two_folds, {**BOTH, "y": ["fold1-0"]})
    np.testing.assert_allclose(read(made, "a"), np.hstack([constant(0.1), constant(0.5)]), rtol=1e-6)
    np.testing.assert_allclose(read(made, "t"), np.hstack([constant(0.2), constant(0.7)]), rtol=1e-6)
    assert Stack.spec(made.settings).dimension == 4


def test_paper_gives_one_score_per_model_of_whoever_was_trained_on_the_clip(two_folds: Layout) -> None:
    made = stack(two_folds, BOTH, mode="paper")
    np.testing.assert_allclose(read(made, "a"), np.hstack([constant(0.1), constant(9)]), rtol=1e-6)
    assert Stack.spec(made.settings).dimension == 4


def test_the_content_follows_what_is_taken_and_nothing_else(two_folds: Layout) -> None:
    settings = stack(two_folds, BOTH, mode="single").settings
    before = {clip: Stack.content(settings, clip) for clip in ("a", "b")}
    said = {"a": (HELD, constant(0.1)), "b": (TRAINED, constant(5)), "t": ("test", constant(0.4))}
    write_predictions(two_folds, ("x", "fold1", 0), said, trained_on=["b"])
    assert {clip: Stack.content(settings, clip) for clip in ("a", "b")} == before
    write_predictions(two_folds, ("x", "fold1", 0), {**said, "a": (HELD, constant(0.2))}, trained_on=["b"])
    after = {clip: Stack.content(settings, clip) for clip in ("a", "b")}
    assert after["a"] != before["a"] and after["b"] == before["b"]


def test_what_cannot_be_had_is_said_in_one_line(two_folds: Layout) -> None:
    with pytest.raises(ValueError, match="'x' trains on it and holds it out of no fold"):
        read(stack(two_folds, {"x": ["fold2-0"]}, mode="single"), "a")
    with pytest.raises(ValueError, match="'x' did not predict it"):
        read(stack(two_folds, BOTH, mode="single"), "unknown")
    with pytest.raises(ValueError, match="4 predicted rows for 5 frames; run 'abaw infer' again"):
        read(stack(two_folds, BOTH, mode="single"), "a", 5)
    with pytest.raises(ValueError, match="abaw infer y --fold fold1 --seed 0"):
        read(stack(two_folds, {"y": ["fold1-0"]}, mode="single"), "a")
    write_predictions(two_folds, ("z", "fold1", 0), {"a": (HELD, constant(0.5))})
    with pytest.raises(ValueError, match=r"not every model of 'z' predicted it; set experiments\.z\.predict_trained"):
        read(stack(two_folds, {"z": ["fold1-0"]}, mode="paper"), "b")


RECORDINGS, FRAMES = 12, 10


def run(toy: Toy, name: str, **changes: object) -> ExperimentSettings:
    """Train and predict every fold."""
    raw = {"epochs": 30, "optimiser": {"lr": 0.03}, "select": "last", "segment": FRAMES, "batch": RECORDINGS, **changes}
    settings = experiment(**raw)
    for fold in fold_names(settings):
        train(name, settings, fold, 0, toy.layout)
        infer(name, settings, fold, 0, toy.layout, toy.layout)
    return settings


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """Recordings whose features identify them, and whose labels are noise: one draw for each, whatever it shows.

    ``first`` was trained on them and predicted all of them.
    """
    toy = Toy(tmp_path_factory.mktemp("noise"), {f"r{i:02d}": "train" for i in range(RECORDINGS)}, FRAMES)
    rng = np.random.default_rng(5)
    for clip in toy.splits:
        toy.truth["va"][clip] = np.tile(rng.uniform(-0.9, 0.9, 2), (FRAMES, 1)).astype(np.float32)
        shown = rng.normal(size=6) + 0.05 * rng.normal(size=(FRAMES, 6))
        toy.tables["lin"][clip] = FrameTable(shown.astype(np.float32), np.ones(FRAMES, bool))
    toy.write()
    run(toy, "first", folds=FIRST, predict_trained=True)
    return toy


FIRST = {"name": "kfold", "k": 3}
MODELS = {"first": ["fold1-0", "fold2-0", "fold3-0"]}


def broken_folds(layout: Layout, folder: Path) -> Layout:
    """Predictions whose models say of the clips they were trained on that they held them out, and the other way."""
    copy = Layout(folder, layout.dataset)
    shutil.copytree(layout.home / "predictions", copy.home / "predictions")
    for path in (copy.home / "predictions/first").glob("*.json"):
        raw = json.loads(path.read_text())
        for entry in raw["clips"].values():
            entry["role"] = HELD if entry["role"] == TRAINED else TRAINED
        path.write_text(json.dumps(raw))
    return copy


def second_stage(toy: Toy, name: str, scores: Stack) -> tuple[float, np.ndarray]:
    """Mean CCC out of fold of a second stage on the first one's scores, and those of 200 exchanges of the labels."""
    clips = sorted(toy.splits)
    toy.tables[name] = {clip: FrameTable(read(scores, clip, FRAMES), np.ones(FRAMES, bool)) for clip in clips}
    toy.write_feature(name)
    members = {name: run(toy, name, features=[name], folds={"name": "kfold", "k": 4, "seed": 1})}
    blend(name, EnsembleSettings(members=[name]), members, toy.layout)
    store, rng = ArrayStore(toy.layout.ensemble(name), ""), np.random.default_rng(0)
    said = np.concatenate([store.read_arrays(clip)["va"] for clip in clips])

    def score(order: np.ndarray) -> float:
        return mean_ccc(np.concatenate([toy.labels[clips[place]] for place in order]), said)[0]

    chance = np.array([score(rng.permutation(len(clips))) for _ in range(200)])
    return score(np.arange(len(clips))), chance


def test_labels_that_say_nothing_but_the_recording_are_not_learnt_out_of_fold(noise: Toy) -> None:
    score, chance = second_stage(noise, "honest", stack(noise.layout, MODELS, mode="single"))
    assert score < np.quantile(chance, 0.95)


def test_nor_by_scores_of_repeated_folds(noise: Toy) -> None:
    """Each repetition parts the clips otherwise; a clip still gets scores only of models that never saw it."""
    again = {f"again{seed}": run(noise, f"again{seed}", folds={**FIRST, "seed": seed}) for seed in (1, 2)}
    models = {**MODELS, **{name: ["fold1-0", "fold2-0", "fold3-0"] for name in again}}
    score, chance = second_stage(noise, "repeated", stack(noise.layout, models, mode="repeated"))
    assert score < np.quantile(chance, 0.95)


def test_and_they_are_where_the_folds_are_broken(noise: Toy, tmp_path: Path) -> None:
    broken = broken_folds(noise.layout, tmp_path)
    score, chance = second_stage(noise, "broken", stack(broken, MODELS, mode="single"))
    assert score > max(0.7, chance.max())
