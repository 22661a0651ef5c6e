"""Folds never share a recording."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abaw_pipeline.training.splits.folds import shared_recordings, split
from abaw_pipeline.training.settings import (
    ExperimentSettings,
    GridSettings,
    KFolds,
    OfficialFolds,
    expand,
    fold_names,
)
from abaw_pipeline.types import Clip

PATTERNS = [("a_left", "a_right"), ("b", "b_right"), ("c", "c_left"), ("video10_1", "video10_1_left")]
RECORDINGS = {clip: names[0].removesuffix("_left") for names in PATTERNS for clip in names}
OFFICIAL = OfficialFolds(name="official")


def clips_of(recordings: dict[str, str], side: str = "train") -> list[Clip]:
    return [Clip(id=clip, recording=recording, splits={"va": side}) for clip, recording in recordings.items()]


@st.composite
def datasets(draw: st.DrawFn) -> tuple[list[Clip], dict[str, int]]:
    clips, frames = [], {}
    for number in range(draw(st.integers(5, 14))):
        side = draw(st.sampled_from(["train", "val"]))
        for person in range(draw(st.integers(1, 2))):
            clip = Clip(id=f"r{number}_{person}", recording=f"r{number}", splits={"va": side})
            clips.append(clip)
            frames[clip.id] = draw(st.integers(0, 500))
    clips.append(Clip(id="t", recording="t", splits={"va": "test"}))
    clips.append(Clip(id="e", recording="e", splits={"expr": "train"}))
    return draw(st.permutations(clips)), frames


@settings(max_examples=60, deadline=None)
@given(datasets(), st.integers(2, 5))
def test_k_folds_partition_recordings(data: tuple[list[Clip], dict[str, int]], k: int) -> None:
    clips, frames = data
    folds = [split(clips, "va", KFolds(name="kfold", k=k), f"fold{i}", frames) for i in range(1, k + 1)]
    everyone = sorted(clip.id for clip in clips if clip.splits.get("va") in ("train", "val"))
    assert sorted(clip for fold in folds for clip in fold.validation) == everyone
    for fold in folds:
        assert sorted(fold.train + fold.validation) == everyone
        assert fold.validation
        assert not shared_recordings(clips, fold)
    again = [split(clips[::-1], "va", KFolds(name="kfold", k=k), f"fold{i}", frames) for i in range(1, k + 1)]
    assert again == folds


@settings(max_examples=60, deadline=None)
@given(datasets(), st.integers(2, 5))
def test_k_folds_are_balanced(data: tuple[list[Clip], dict[str, int]], k: int) -> None:
    clips, frames = data
    folds = [split(clips, "va", KFolds(name="kfold", k=k), f"fold{i}", frames).validation for i in range(1, k + 1)]
    recordings: dict[str, int] = {}
    for clip in clips:
        recordings[clip.recording] = recordings.get(clip.recording, 0) + frames.get(clip.id, 0)
    loads = [sum(frames[clip] for clip in part) for part in folds]
    assert max(loads) - min(loads) <= max(recordings.values())  # what greedy sharing out guarantees


@pytest.mark.parametrize("pair", PATTERNS)
def test_left_and_right_stay_together(pair: tuple[str, str]) -> None:
    clips, even = clips_of(RECORDINGS), dict.fromkeys(RECORDINGS, 10)
    for number in range(1, 5):
        fold = split(clips, "va", KFolds(name="kfold", k=4), f"fold{number}", even)
        assert sum(set(pair) <= set(side) for side in (fold.train, fold.validation)) == 1


def test_over_train_leaves_validation_apart() -> None:
    clips = clips_of(RECORDINGS) + clips_of({"v": "v"}, "val")
    for fold in fold_names_of(KFolds(name="kfold", k=2, over="train")):
        parts = split(clips, "va", KFolds(name="kfold", k=2, over="train"), fold, {})
        assert "v" not in parts.train + parts.validation


def fold_names_of(folds: KFolds | OfficialFolds) -> list[str]:
    encoder = {"name": "gru"}
    return fold_names(ExperimentSettings.model_validate({"features": ["a"], "encoder": encoder, "folds": folds}))


def test_official_and_names() -> None:
    clips = clips_of({"x": "x", "y_left": "y"}) + clips_of({"y_right": "y"}, "val") + clips_of({"z": "z"}, "test")
    fold = split(clips, "va", OFFICIAL, "official", {})
    assert (fold.train, fold.validation) == (["x", "y_left"], ["y_right"])
    assert shared_recordings(clips, fold) == ["y"]
    assert fold_names_of(OFFICIAL) == ["official"]
    assert fold_names_of(KFolds(name="kfold", k=3)) == ["fold1", "fold2", "fold3"]


@pytest.mark.parametrize(
    ("folds", "fold", "message"),
    [
        (OFFICIAL, "fold1", "no fold 'fold1'"),
        (KFolds(name="kfold", k=2), "fold3", "known: fold1, fold2"),
        (KFolds(name="kfold", k=9), "fold1", "need at least 9 recordings, there are 4"),
    ],
)
def test_errors(folds: KFolds | OfficialFolds, fold: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split(clips_of(RECORDINGS), "va", folds, fold, {})


def test_grid_expansion() -> None:
    grid = GridSettings.model_validate(
        {
            "features": {"vis": ["a", "b"], "av": ["a", "c"]},
            "encoders": {"gru": {"name": "gru", "hidden": 4}, "trf": {"name": "transformer"}},
            "epochs": 3,
            "seeds": [1, 2],
        }
    )
    experiments = expand("va", grid)
    assert sorted(experiments) == ["va_av_gru", "va_av_trf", "va_vis_gru", "va_vis_trf"]
    one = experiments["va_av_gru"]
    assert (one.features, one.encoder.name, one.epochs, one.seeds) == (["a", "c"], "gru", 3, [1, 2])
    assert "batch" not in one.model_fields_set


def test_grid_names_must_differ() -> None:
    encoders = {"c": {"name": "gru"}, "b_c": {"name": "gru"}}
    grid = GridSettings.model_validate({"features": {"a": ["x"], "a_b": ["x"]}, "encoders": encoders})
    with pytest.raises(ValueError, match=r"grids\.g: two combinations are named 'g_a_b_c'"):
        expand("g", grid)


@pytest.mark.parametrize(
    "change",
    [
        {"features": []},
        {"features": ["a", "a"]},
        {"seeds": [0, 0]},
        {"seeds": []},
        {"segment": 4, "stride": 5},
        {"epochs": 0},
        {"optimiser": {"lr": 0}},
        {"folds": {"name": "kfold", "k": 1}},
        {"hiden": 3},
    ],
)
def test_bad_settings(change: dict[str, object]) -> None:
    raw = {"features": ["a"], "encoder": {"name": "gru"}}
    assert ExperimentSettings.model_validate(raw)
    with pytest.raises(ValueError, match=r"validation error"):
        ExperimentSettings.model_validate({**raw, **change})


def test_balance_beats_chance() -> None:
    rng = np.random.default_rng(0)
    frames = {f"c{i:03d}": int(n) for i, n in enumerate(rng.integers(100, 5000, 60))}
    clips = clips_of({clip: clip for clip in frames})
    parts = [split(clips, "va", KFolds(name="kfold", k=5), f"fold{i}", frames).validation for i in range(1, 6)]
    loads = [sum(frames[clip] for clip in part) for part in parts]
    assert max(loads) / min(loads) < 1.02
