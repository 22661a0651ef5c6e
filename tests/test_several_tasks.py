"""Trainings of every kind of task and of several at once, from features to the scores of an ensemble."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from abaw_pipeline.ensembles.blend import blend
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.card import read_card
from abaw_pipeline.training.infer import infer
from abaw_pipeline.training.model_store import load_model
from tests.toy_results import Toy, experiment, run

torch.set_num_threads(1)

SPLITS = {f"c{i:02d}": side for i, side in enumerate(["train"] * 4 + ["val"] * 5 + ["test"])}
GRU = {"name": "gru", "hidden": 8}
THREE: dict[str, Any] = {
    "va": {"head": {"separate": True}},
    "expr": {"loss": {"name": "cross_entropy", "class_weights": "balanced"}},
    "au": {"loss": {"name": "bce", "positive_weights": "balanced"}, "weight": 0.5},
}
CASES: dict[str, dict[str, Any]] = {
    "expr": {"task": "expr"},
    "au": {"task": "au", "loss": "focal"},
    "eri": {"task": "eri", "loss": "mse_class", "segment": 25, "head": {"hidden": [6]}},
    "emi": {"task": "emi", "head": {"pooling": "mean"}, "gap": "drop"},
    "basic": {"tasks": THREE},
    "share_bottom": {"tasks": THREE, "framework": {"name": "share_bottom", "encoder": GRU}},
    "feedback": {"tasks": THREE, "framework": {"name": "feedback", "encoder": GRU, "source": "au", "target": "va"}},
}


def toy_of(path: Path, changes: dict[str, Any]) -> Toy:
    """Labels with gaps, of units one by one, a file with rows too many, and clips without labels of one task."""
    tasks = list(changes.get("tasks") or [changes["task"]])
    toy, rng = Toy(path, SPLITS, tasks=tasks), np.random.default_rng(3)
    for task, table in toy.truth.items():
        if TASKS[task].level == "clip":
            table["c05"][:] = -1
            continue
        table["c04"] = np.concatenate([table["c04"], table["c04"][:2]])
        for rows in table.values():
            lost = rng.random(rows.shape if task == "au" else (len(rows), 1)) < 0.2
            rows[np.broadcast_to(lost, rows.shape)] = TASKS[task].missing
    return toy


def stored(toy: Toy, task: str, clip: str) -> np.ndarray:
    return ArrayStore(toy.layout.predictions("x", "official", 0), "").read_arrays(clip)[task]


def pairs(toy: Toy, task: str) -> tuple[np.ndarray, np.ndarray]:
    """Label rows of the validation clips and what was predicted for each; rows too many take the last frame's."""
    truth, guess = [], []
    for clip, rows in toy.truth[task].items():
        if toy.splits[clip] == "val":
            made = stored(toy, task, clip)
            truth.append(rows)
            guess.append(made[np.minimum(np.arange(len(rows)), len(made) - 1)])
    return np.concatenate(truth), np.concatenate(guess)


def concordance(truth: np.ndarray, guess: np.ndarray) -> float:
    moments = np.cov(truth, guess, bias=True)
    return float(2 * moments[0, 1] / (moments[0, 0] + moments[1, 1] + (truth.mean() - guess.mean()) ** 2))


def expected(task: str, truth: np.ndarray, guess: np.ndarray) -> list[float]:
    """The score of each column, by NumPy and scikit-learn."""
    if task == "expr":
        here = truth[:, 0] != -1
        return f1_score(truth[here, 0], guess[here].argmax(1), labels=range(8), average=None, zero_division=0).tolist()
    columns = []
    for real, made in zip(truth.T, guess.T, strict=True):
        here = real != TASKS[task].missing
        if task == "au":
            columns.append(f1_score(real[here], made[here] >= 0.5, zero_division=0))
        else:
            measure = concordance if task == "va" else lambda a, b: np.corrcoef(a, b)[0, 1]
            columns.append(measure(real[here], made[here]))
    return columns


@pytest.mark.parametrize("case", CASES)
def test_scores_are_those_of_the_stored_predictions(tmp_path: Path, case: str) -> None:
    changes = {"epochs": 10, "optimiser": {"lr": 0.03}, **CASES[case]}
    toy = toy_of(tmp_path, changes)
    toy.write()
    card, done = run(toy, **changes)
    assert done and card == read_card(toy.layout.model("x", "official", 0))
    settings = experiment(**changes)
    manifest = infer("x", settings, "official", 0, toy.layout, toy.layout)
    assert manifest.about["tasks"] == card.tasks == list(settings.targets) == list(card.metrics)
    assert {clip: entry["role"] for clip, entry in manifest.clips.items()}["c09"] == "test"
    for task, scores in card.metrics.items():
        truth, guess = pairs(toy, task)
        columns = expected(task, truth, guess)
        named = dict(zip(TASKS[task].columns, columns, strict=True))
        assert scores == pytest.approx({"mean": np.mean(columns), **named})
        assert scores["mean"] > 0.2, "the features say what the labels are"
        fused = blend(task, EnsembleSettings(task=task, members=["x"]), {"x": settings}, toy.layout)
        in_ensemble = fused.about["scores"]["val"]
        assert in_ensemble["mean"] == pytest.approx(scores["mean"]), task
    assert card.score == pytest.approx(sum(scores["mean"] for scores in card.metrics.values()))


@pytest.mark.parametrize(("task", "shape"), [("va", (60, 2)), ("expr", (60, 8)), ("au", (60, 12)), ("eri", (1, 7))])
def test_what_predictions_mean(tmp_path: Path, task: str, shape: tuple[int, int]) -> None:
    toy = Toy(tmp_path, SPLITS, tasks=[task])
    run(toy, task=task, epochs=1)
    made = load_model(toy.layout.model("x", "official", 0)).predict({"lin": toy.tables["lin"]["c09"]})[task]
    assert made.shape == shape and made.dtype == np.float32
    assert made.min() >= (-1 if task == "va" else 0) and made.max() <= 1
    if task == "expr":
        assert made.sum(axis=1) == pytest.approx(np.ones(60), abs=1e-5)


def test_labels_of_validation_clips_weigh_nothing(tmp_path: Path) -> None:
    """Weights of classes and units, and statistics of features, come from training clips: the same bits come out."""
    toy = Toy(tmp_path, SPLITS, tasks=list(THREE))

    def content(name: str) -> str:
        return run(toy, name, tasks=THREE, select="last")[0].content

    before = content("a")
    for task, table in toy.truth.items():
        for clip in ("c04", "c05", "c06"):
            table[clip][:] = {"va": 0.9, "expr": 7, "au": 1}[task]
    toy.write()
    after = content("b")
    assert after == before
    first, second = (load_model(toy.layout.model(name, "official", 0)) for name in "ab")
    assert torch.equal(first.standard.mean, second.standard.mean)
    assert torch.equal(first.standard.deviation, second.standard.deviation)
    assert first.card.metrics != second.card.metrics
    toy.truth["expr"]["c00"][:5] = 7
    toy.write()
    assert content("c") != before


def test_the_order_of_tasks_in_the_settings_does_not_matter(tmp_path: Path) -> None:
    toy = Toy(tmp_path, SPLITS, tasks=["va", "au"])
    one, other = (
        run(toy, f"{first}", tasks={first: {}, second: {}})[0] for first, second in (("va", "au"), ("au", "va"))
    )
    assert (one.key, one.content, one.tasks) == (other.key, other.content, ["va", "au"])
