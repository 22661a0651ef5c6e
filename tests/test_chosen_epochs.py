"""Models of several epochs, and folds that hold nothing out: what predicts in the end."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from abaw_pipeline.ensembles.blend import blend
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.training.infer import infer
from abaw_pipeline.training.model_store import load_model
from tests.toy_results import TRAINABLE, Toy, experiment, run

torch.set_num_threads(1)

STEADY = {"schedule": "constant", "optimiser": {"lr": 0.05}, "encoder": {"name": "gru", "hidden": 6}}
TASKS: dict[str, Any] = {"va": {}, "expr": {}}


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path, TRAINABLE, tasks=list(TASKS))


def predicted(toy: Toy, name: str) -> dict[str, np.ndarray]:
    """What a model says of the test clip."""
    model = load_model(toy.layout.model(name, "official", 0))
    return model.predict({"lin": toy.tables["lin"]["c05"]})


def after(toy: Toy, epochs: int) -> dict[str, np.ndarray]:
    """What a training that ends with this epoch says: at a steady rate, longer ones pass through its weights."""
    run(toy, f"e{epochs}", epochs=epochs, select="last", tasks=TASKS, **STEADY)
    return predicted(toy, f"e{epochs}")


def history(toy: Toy, name: str) -> dict[str, list[float]]:
    with (toy.layout.model(name, "official", 0) / "history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    return {column: [float(row[column]) for row in rows] for column in rows[0]}


def test_a_range_of_epochs_predicts_the_mean_of_their_predictions(toy: Toy) -> None:
    select = {"name": "range", "first": 2, "last": 4}
    card, _ = run(toy, epochs=5, select=select, tasks=TASKS, **STEADY)
    assert (card.epochs_used, card.epochs) == ("2 to 4", 5)
    single = [after(toy, epochs) for epochs in (2, 3, 4)]
    for task, values in predicted(toy, "x").items():
        assert values == pytest.approx(np.mean([one[task] for one in single], axis=0), abs=1e-6)
        assert np.abs(values - single[-1][task]).max() > 1e-3
    assert card.score == pytest.approx(sum(scores["mean"] for scores in card.metrics.values()))


def test_each_column_is_predicted_by_the_epoch_best_at_it(toy: Toy) -> None:
    card, _ = run(toy, epochs=6, select="best_per_column", tasks=TASKS, seed=0, **STEADY)
    told = history(toy, "x")
    best = {column: 1 + int(np.argmax(told[column])) for column in ("va_ccc_valence", "va_ccc_arousal", "expr_mean")}
    assert len(set(best.values())) > 1, "no one epoch is best at everything"
    served = {
        (task, column): note.epoch
        for note in card.snapshots
        for task, columns in (note.columns or {}).items()
        for column in columns
    }
    classes = {("expr", column): best["expr_mean"] for column in range(8)}
    assert served == {("va", 0): best["va_ccc_valence"], ("va", 1): best["va_ccc_arousal"], **classes}
    values = predicted(toy, "x")
    for (task, column), epoch in served.items():
        assert values[task][:, column] == pytest.approx(after(toy, epoch)[task][:, column], abs=1e-6)
    assert card.metrics["va"]["valence"] == pytest.approx(max(told["va_ccc_valence"]))
    assert card.metrics["va"]["arousal"] == pytest.approx(max(told["va_ccc_arousal"]))
    assert card.metrics["expr"]["mean"] == pytest.approx(max(told["expr_mean"]))


def test_a_fold_of_everything_trains_on_it_and_predicts_the_rest(toy: Toy) -> None:
    changes: dict[str, Any] = {"folds": "mix", "select": {"name": "range", "first": 1, "last": 2}, "tasks": TASKS}
    card, _ = run(toy, fold="mix", **changes)
    assert (card.train, card.validation) == (["c00", "c01", "c02", "c03", "c04"], [])
    assert (card.score, card.metrics, card.epochs_used) == (None, {}, "1 and 2")
    settings = experiment(**changes)
    manifest = infer("x", settings, "mix", 0, toy.layout, toy.layout)
    assert {clip: entry["role"] for clip, entry in manifest.clips.items()} == {"c05": "test"}
    fused = blend("e", EnsembleSettings(task="expr", members=["x"]), {"x": settings}, toy.layout)
    assert fused.clips.keys() == {"c05"} and fused.about["scores"] == {}
    standard = load_model(toy.layout.model("x", "mix", 0)).standard
    every = np.concatenate([toy.tables["lin"][clip].values for clip in card.train]).astype(np.float16)
    assert standard.mean.numpy() == pytest.approx(every.astype(np.float64).mean(0), abs=1e-5)


def test_an_epoch_cannot_be_chosen_where_nothing_is_held_out(tmp_path: Path) -> None:
    toy = Toy(tmp_path, {"c00": "train", "c01": "train", "c02": "test"})
    with pytest.raises(ValueError, match="no validation clip, by which an epoch could be chosen"):
        run(toy)
    assert run(toy, select="last")[0].score is None
