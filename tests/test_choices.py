"""Ensembles that choose, from predictions on disk: what their choice goes by, and what it does to every clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from abaw_pipeline.ensembles import outoffold
from abaw_pipeline.ensembles.blend import blend
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.strict import parse
from tests.made_predictions import write_predictions
from tests.toy_results import Toy, experiment, labels_of, smooth_labels

HELD = {"fold1": ["c00", "c01"], "fold2": ["c02", "c03"]}
APART, TEST = ["c04", "c05"], ["c06", "c07"]
SPLITS = {f"c{i:02d}": side for i, side in enumerate(["train"] * 4 + ["val"] * 2 + ["test"] * 2)}
MEMBER = experiment(folds={"name": "kfold", "k": 2, "over": "train"})
NOISE = {"a": (0.2, 0.9), "b": (0.9, 0.2), "c": (0.6, 0.6)}
"""Deviation of each member's error, of valence and of arousal."""


def predicted(toy: Toy, member: str, clip: str, task: str) -> np.ndarray:
    """The truth (of test clips some curve) with the member's noise; of units probabilities that are too low."""
    rng = np.random.default_rng([ord(member), int(clip[1:])])
    truth = smooth_labels(np.random.default_rng(sum(map(ord, clip))), 60)
    if task == "va":
        return truth + rng.normal(size=truth.shape) * NOISE[member]
    return 0.1 + 0.25 * labels_of("au", truth) + rng.uniform(0, 0.1, (60, 12))


def write_members(toy: Toy, task: str = "va", names: str = "abc", lacking: tuple[str, str] = ("", "")) -> None:
    """Every model of the members; ``lacking``: a member, and a clip that none of its models predicted."""
    for name in names:
        for fold, held in HELD.items():
            roles = {**dict.fromkeys(held, "val"), **dict.fromkeys(APART, "apart"), **dict.fromkeys(TEST, "test")}
            clips = [clip for clip in roles if (name, clip) != lacking]
            said = {clip: (roles[clip], predicted(toy, name, clip, task)) for clip in clips}
            trained = [clip for other in HELD if other != fold for clip in HELD[other]]
            write_predictions(toy.layout, (name, fold, 0), said, task, trained)


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    made = Toy(tmp_path, SPLITS, tasks=("va", "au"))
    write_members(made)
    return made


def fuse(toy: Toy, name: str = "e", **raw: Any) -> Manifest:
    settings = parse(EnsembleSettings, {"members": list("abc"), **raw}, "config.yaml")
    columns = (
        {c: settings.columns.get(c, settings.members) for c in ("valence", "arousal")} if settings.columns else None
    )
    return blend(name, settings, dict.fromkeys(settings.named, MEMBER), toy.layout, columns=columns)


def relabel(toy: Toy, task: str, clips: list[str]) -> None:
    """Other truth for some clips, test clips included."""
    for clip in clips:
        toy.truth[task][clip] = labels_of(task, smooth_labels(np.random.default_rng([9, int(clip[1:])]), 60))
    toy.write_labels()


def said(toy: Toy, clip: str, name: str = "e") -> np.ndarray:
    return ArrayStore(toy.layout.ensemble(name), "").read_arrays(clip)["va"]


@pytest.mark.parametrize(
    ("task", "raw"),
    [
        ("va", {"method": "greedy"}),
        ("va", {"method": "weighted"}),
        ("va", {"smooth": {"name": "gaussian"}}),
        ("au", {"thresholds": "search", "smooth": {"name": "median", "search": [0, 2, 5]}}),
    ],
    ids=["greedy", "weights", "sigma", "thresholds"],
)
def test_the_truth_of_clips_that_are_not_held_out_changes_no_choice(toy: Toy, task: str, raw: dict[str, Any]) -> None:
    write_members(toy, task)
    before = fuse(toy, task=task, **raw)
    relabel(toy, task, APART + TEST)
    toy.layout.ensemble_manifest("e").unlink()
    after = fuse(toy, task=task, **raw)
    assert after.about["choice"] == before.about["choice"] and after.clips == before.clips
    assert after.about["scores"]["apart"] != before.about["scores"]["apart"] and "test" in after.about["scores"]
    relabel(toy, task, [*HELD["fold1"], *HELD["fold2"]])
    assert fuse(toy, task=task, **raw).about["choice"]["columns"] != before.about["choice"]["columns"]


def test_a_choice_is_written_down_with_its_score_and_kept(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = {"method": "greedy", "smooth": {"name": "gaussian"}}
    made = fuse(toy, **raw)
    choice = made.about["choice"]
    assert max(choice["columns"]["valence"]["weights"].items(), key=lambda item: item[1])[0] == "a"
    assert max(choice["columns"]["arousal"]["weights"].items(), key=lambda item: item[1])[0] == "b"
    assert (choice["clips"], choice["data_set"]) == (4, "toy")
    assert choice["scores"]["smoothed"] == pytest.approx(made.about["scores"]["val"]["mean"], abs=1e-4)
    monkeypatch.setattr(outoffold, "choose", lambda *_: pytest.fail("it was searched again"))
    assert fuse(toy, **raw) == made


def test_another_data_set_takes_the_choice_made_at_home(toy: Toy, tmp_path: Path) -> None:
    settings = EnsembleSettings(members=["a", "b"], method="greedy")
    members = dict.fromkeys("ab", MEMBER)
    home = blend("e", settings, members, toy.layout)
    other = Toy(tmp_path, {"c10": "train"}, dataset="other")
    for name in "ab":
        for fold in HELD:
            write_predictions(other.layout, (name, fold, 0), {"c10": ("all", predicted(other, name, "c10", "va"))})
    there = blend("e", settings, members, other.layout, home=toy.layout)
    assert there.about["choice"] == home.about["choice"]
    weights = home.about["choice"]["columns"]["valence"]["weights"]
    mean = sum(weights.get(n, 0) * predicted(other, n, "c10", "va")[:, 0] for n in "ab") / sum(weights.values())
    np.testing.assert_allclose(said(other, "c10")[:, 0], np.clip(mean, -1, 1), atol=1e-6)


def test_a_clip_whose_labels_do_not_fit_is_not_chosen_by_and_is_reported(toy: Toy) -> None:
    toy.truth["va"]["c01"] = np.tile(toy.truth["va"]["c01"], (2, 1))
    toy.write_labels()
    made = fuse(toy, method="greedy")
    assert made.about["choice"]["clips"] == 3
    assert [(row.clip, row.stage) for row in made.skipped] == [("c01", "score")]


def test_without_a_clip_that_all_hold_out_nothing_is_chosen(toy: Toy) -> None:
    said_of = {"c04": ("val", predicted(toy, "a", "c04", "va"))}
    write_predictions(toy.layout, ("o", "official", 0), said_of, trained_on=[*HELD["fold1"], *HELD["fold2"]])
    settings = EnsembleSettings(members=["a", "o"], method="greedy")
    with pytest.raises(ValueError, match="ensemble 'e': no labelled clip that every member holds out"):
        blend("e", settings, {"a": MEMBER, "o": experiment()}, toy.layout)


def test_a_member_without_a_clip_leaves_it_to_the_others(toy: Toy) -> None:
    write_members(toy, lacking=("a", "c06"))
    made = fuse(toy, members=["a", "b"], method="weighted", weights={"a": 3, "b": 1})
    both = [np.clip(predicted(toy, name, clip, "va"), -9, 9) for clip in ("c06", "c07") for name in "ab"]
    np.testing.assert_allclose(said(toy, "c06"), np.clip(both[1], -1, 1), atol=1e-6)
    np.testing.assert_allclose(said(toy, "c07"), np.clip(0.75 * both[2] + 0.25 * both[3], -1, 1), atol=1e-6)
    assert [row.clip for row in made.skipped] == ["c06"] and "without a/fold1-0" in made.skipped[0].reason
    none = fuse(toy, members=["a", "b"], method="weighted", weights={"a": 1, "b": 0})
    assert "c06" not in none.clips
    assert "no member that has a weight predicted it" in [row.reason for row in none.skipped]


def test_columns_have_members_of_their_own(toy: Toy) -> None:
    fuse(toy, members=["a"], columns={"arousal": ["b", "c"]})
    a, b, c = (predicted(toy, name, "c06", "va") for name in "abc")
    wanted = np.clip(np.stack([a[:, 0], (b + c)[:, 1] / 2], axis=1), -1, 1)
    np.testing.assert_allclose(said(toy, "c06"), wanted, atol=1e-6)


def test_folds_pick_models(toy: Toy) -> None:
    made = fuse(toy, members=["a"], folds=["fold1"])
    assert set(made.clips) == {*HELD["fold1"], *APART, *TEST} and made.about["models"] == ["a/fold1-0"]
    with pytest.raises(ValueError, match="member 'a' has no model of these folds and seeds"):
        fuse(toy, members=["a"], folds=["fold7"])


def test_an_ensemble_is_a_member_like_a_model(toy: Toy) -> None:
    low = EnsembleSettings(members=["b", "c"])
    blend("low", low, dict.fromkeys("bc", MEMBER), toy.layout)
    high = EnsembleSettings(members=["a", "low"], method="weighted", weights={"a": 1, "low": 2})
    made = blend("e", high, {"a": MEMBER, "low": low}, toy.layout)
    a, low_said = predicted(toy, "a", "c06", "va"), said(toy, "c06", "low")
    np.testing.assert_allclose(said(toy, "c06"), np.clip((a + 2 * low_said) / 3, -1, 1), atol=1e-6)
    assert made.about["models"] == [f"{name}/{fold}-0" for name in "abc" for fold in HELD]
    assert {clip: entry["role"] for clip, entry in made.clips.items() if clip in APART} == dict.fromkeys(APART, "apart")
    searched = EnsembleSettings(members=["a", "low"], method="greedy")
    assert blend("s", searched, {"a": MEMBER, "low": low}, toy.layout).about["choice"]["clips"] == 4
