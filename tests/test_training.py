"""The training loop, on features that say what the labels are."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from abaw_pipeline.training.gather import gather
from abaw_pipeline.training.labelled import Labelled, Labels
from abaw_pipeline.training.loop import Trained, fit
from abaw_pipeline.training.model_store import TrainedModel, load_model
from abaw_pipeline.training.resident import Standard
from abaw_pipeline.training.sides import load_side
from abaw_pipeline.training.sources import FeatureNote
from abaw_pipeline.training.targets import build_network
from tests.toy_results import TRAINABLE, Toy, experiment, run

torch.set_num_threads(1)


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path, TRAINABLE)


@pytest.mark.parametrize(
    "encoder", [{"name": "gru", "hidden": 24}, {"name": "transformer", "width": 24, "feedforward": 48, "layers": 1}]
)
def test_a_linear_feature_is_learnt(tmp_path: Path, encoder: dict[str, object]) -> None:
    toy = Toy(tmp_path, {f"c{i:02d}": "val" if i > 8 else "train" for i in range(12)}, frames=150)
    card, done = run(toy, encoder=encoder, epochs=12, segment=50)
    assert done
    scores = card.metrics["va"]
    assert scores["mean"] > 0.8
    assert scores["mean"] == pytest.approx((scores["valence"] + scores["arousal"]) / 2)


def test_shuffled_labels_are_not_learnt(tmp_path: Path) -> None:
    toy = Toy(tmp_path, {f"c{i:02d}": "val" if i > 13 else "train" for i in range(24)}, frames=150)
    # Rows of all clips are exchanged: within a clip, its mean would still tell something.
    rows = np.random.default_rng(0).permutation(np.concatenate(list(toy.labels.values())))
    toy.truth["va"] = dict(zip(toy.labels, np.split(rows, len(toy.labels)), strict=True))
    toy.write()
    card, _ = run(toy, epochs=4, segment=50, select="last")
    assert abs(card.metrics["va"]["mean"]) < 0.1


def test_same_seed_same_weights(toy: Toy) -> None:
    contents = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        torch.manual_seed(len(contents))  # the state outside must not matter
        card, _ = run(toy, name, seed=seed, encoder={"name": "gru", "hidden": 8, "layers": 2, "dropout": 0.3})
        contents.append(card.content)
    assert contents[0] == contents[1] != contents[2]
    first, second = (model_of(toy, name).networks[0].network.state_dict() for name in "ab")
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def model_of(toy: Toy, name: str) -> TrainedModel:
    return load_model(toy.layout.model(name, "official", 0))


def standard_of(toy: Toy, name: str) -> Standard:
    return model_of(toy, name).standard


def test_statistics_come_from_training_clips_only(toy: Toy) -> None:
    run(toy, "a")
    toy.tables["lin"]["c03"].values[:] += 5
    toy.write()
    run(toy, "b")
    assert torch.equal(standard_of(toy, "a").mean, standard_of(toy, "b").mean)
    assert torch.equal(standard_of(toy, "a").deviation, standard_of(toy, "b").deviation)
    toy.tables["lin"]["c00"].values[:] += 5
    toy.write()
    run(toy, "c")
    assert not torch.equal(standard_of(toy, "a").mean, standard_of(toy, "c").mean)


def sides_of(toy: Toy) -> list[Labelled]:
    settings = experiment()
    material = gather(settings, "official", 0, toy.layout, None)
    read, widths = material.sources.read, material.sources.widths
    return [load_side(clips, read, widths, settings, side == "train")[0] for side, clips in material.sides.items()]


def test_rows_marked_as_missing_never_count(toy: Toy) -> None:
    for clip in ("c00", "c03"):
        toy.labels[clip][20:40] = -5
    toy.labels["c01"][7, 1] = -5  # half a label is none
    toy.write()
    train_side, validation = sides_of(toy)
    assert int(train_side.tasks["va"].annotated.sum()) == 180 - 20 - 1
    assert int(validation.tasks["va"].annotated.sum()) == 120 - 20
    assert np.abs(train_side.tasks["va"].values).max() <= 1
    before = run(toy, "a")[0]
    rng = np.random.default_rng(0)
    for clip in ("c00", "c03"):  # features there may still be seen, labels not: -5 in one column is enough
        toy.labels[clip][20:40, 1] = rng.uniform(-1, 1, 20)
    toy.write()
    after = run(toy, "b")[0]
    assert (after.metrics, after.content) == (before.metrics, before.content)


def test_labels_of_unannotated_rows_reach_neither_loss_nor_score(toy: Toy) -> None:
    for clip in ("c00", "c03"):
        toy.labels[clip][25:45] = -5  # parts of two windows
    toy.write()
    settings, standard = experiment(), Standard(torch.zeros(6), torch.ones(6))

    def filled(labels: Labels, junk: float) -> Labels:
        return replace(labels, values=np.where(labels.marks, labels.values, np.float32(junk)))

    def trained(junk: float) -> Trained:
        sides = [replace(side, tasks={"va": filled(side.tasks["va"], junk)}) for side in sides_of(toy)]
        build = lambda: build_network(settings, [FeatureNote("lin", "key", 6, "visual", False)])  # noqa: E731
        return fit(build, *sides, standard, settings, 0, torch.device("cpu"))

    assert trained(0).history == trained(-5).history


def test_extra_label_rows(toy: Toy) -> None:
    toy.labels["c00"] = np.concatenate([toy.labels["c00"], toy.labels["c00"][-2:]])
    toy.labels["c03"] = np.concatenate([toy.labels["c03"], toy.labels["c03"][-3:]])
    toy.labels["c01"] = np.concatenate([toy.labels["c01"]] * 2)
    toy.write()
    side, validation = sides_of(toy)
    assert side.clips.lengths == [62, 60]
    assert torch.equal(side.clips.values[61], side.clips.values[59])
    assert validation.clips.lengths == [60, 60]
    assert validation.tasks["va"].rows[58:64].tolist() == [58, 59, 59, 59, 59, 60]
    card, _ = run(toy)
    assert [row.clip for row in card.skipped] == ["c01"]
    assert any("c00: 2 label rows" in note for note in card.notes)
    assert run(toy, "y", extra_rows={"policy": "repeat_last"})[0].skipped == []


def test_a_clip_without_a_feature_is_reported(toy: Toy) -> None:
    toy.lost["lin"] = {"c02"}
    toy.write()
    card, _ = run(toy)
    assert [(row.clip, row.stage) for row in card.skipped] == [("c02", "train")]
    assert "no feature 'lin'" in card.skipped[0].reason
    assert "c02" in card.train


@pytest.mark.parametrize(("side", "clips"), [("train", ("c00", "c01", "c02")), ("validation", ("c03", "c04"))])
def test_a_side_without_annotation_stops(toy: Toy, side: str, clips: tuple[str, ...]) -> None:
    for clip in clips:
        toy.labels[clip][:] = -5
    toy.write()
    with pytest.raises(ValueError, match=f"no {side} clip can be used.*no frame annotated for 'va'"):
        run(toy)


def test_a_loss_that_is_not_finite_stops(toy: Toy) -> None:
    with pytest.raises(ValueError, match=r"not finite|the loss is (nan|inf)"):
        run(
            toy,
            optimiser={"name": "adam", "lr": 1e30},
            epochs=3,
            encoder={"name": "transformer", "width": 8, "heads": 2, "feedforward": 8},
        )
    assert not toy.layout.model("x", "official", 0).exists()


def test_selection_and_early_stop(toy: Toy) -> None:
    best = run(toy, "a", epochs=6, optimiser={"lr": 0.3})[0]
    last = run(toy, "b", epochs=6, optimiser={"lr": 0.3}, select="last")[0]
    with (toy.layout.model("a", "official", 0) / "history.csv").open() as stream:
        history = list(csv.DictReader(stream))
    means = [float(row["mean"]) for row in history]
    assert list(history[0]) == ["epoch", "loss", "ccc_valence", "ccc_arousal", "mean", "lr"]
    assert [note.epoch for note in best.snapshots] == [1 + int(np.argmax(means))]
    assert best.metrics["va"]["mean"] == best.score == max(means)
    assert ([note.epoch for note in last.snapshots], last.score) == ([6], means[-1])
    stopped = run(toy, "c", epochs=50, optimiser={"lr": 0.3}, early_stop=2)[0]
    assert stopped.epochs == stopped.snapshots[0].epoch + 2 < 50


def test_cosine_ends_at_zero(toy: Toy) -> None:
    for schedule, end in (("cosine", 0.0), ("constant", 0.01)):
        run(toy, schedule, schedule={"name": schedule})
        with (toy.layout.model(schedule, "official", 0) / "history.csv").open() as stream:
            assert float(list(csv.DictReader(stream))[-1]["lr"]) == pytest.approx(end, abs=1e-9)
