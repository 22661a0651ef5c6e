"""Folds never share a recording, are balanced, and hold every clip out once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abaw_pipeline.training.pool import annotated_frames
from abaw_pipeline.training.splits.file import folds_text
from abaw_pipeline.training.splits.folds import Fold, joint_splits, shared_recordings, split
from abaw_pipeline.training.splits.names import fold_names
from abaw_pipeline.training.splits.settings import KFolds
from abaw_pipeline.types import Clip
from tests.fold_data import NAMES, PEOPLE, Data, clips_of, datasets, experiment, folds_of

POOLED: list[dict[str, Any]] = [
    {"name": "kfold", "k": 3},
    {"name": "kfold", "k": 5, "over": "train"},
    {"name": "kfold", "k": 4, "seed": 7},
    {"name": "parts+val", "k": 4},
    {"name": "parts+val", "k": 6, "seed": 1},
]
"""Schemes in which every clip of a pool is held out by one fold."""


def parts_of(folds: dict[str, Fold]) -> set[frozenset[str]]:
    """What is held out together, whatever the folds are called."""
    return {frozenset(fold.validation) for fold in folds.values()}


@pytest.mark.parametrize("scheme", POOLED, ids=str)
@settings(max_examples=25)
@given(data=datasets())
def test_no_recording_is_on_both_sides_and_every_clip_is_held_out_once(scheme: dict[str, Any], data: Data) -> None:
    pool = data.ids("train") if scheme.get("over") == "train" else data.ids("train", "val")
    folds = folds_of(data, **scheme)
    assert sorted(clip for fold in folds.values() for clip in fold.validation) == pool
    for fold in folds.values():
        assert fold.validation and sorted(fold.train + fold.validation) == pool
        assert not {data.recording[c] for c in fold.train} & {data.recording[c] for c in fold.validation}
        assert shared_recordings(data.clips, fold) == []
    assert folds_of(replace(data, clips=data.clips[::-1]), **scheme) == folds


@settings(max_examples=25)
@given(data=datasets(), k=st.integers(2, 4))
def test_nor_in_a_fold_file(tmp_path_factory: pytest.TempPathFactory, data: Data, k: int) -> None:
    path = tmp_path_factory.mktemp("folds") / "folds.csv"
    made = folds_of(data, name="kfold", k=k)
    path.write_text(folds_text({name: fold.validation for name, fold in made.items()}), encoding="utf-8")
    folds = folds_of(data, name="file", path=str(path))
    assert folds == made and not any(shared_recordings(data.clips, fold) for fold in folds.values())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("people", PEOPLE[1:], ids=str)
@pytest.mark.parametrize("scheme", POOLED, ids=str)
def test_two_people_of_a_recording_stay_together(scheme: dict[str, Any], people: tuple[str, ...], name: str) -> None:
    ids = [name.format(number) + end for number in range(8) for end in people]
    data = Data(clips_of({**dict.fromkeys(ids, "train"), "v": "val"}), dict.fromkeys(ids, 10))
    for fold in folds_of(data, **scheme).values():
        for number in range(8):
            pair = {name.format(number) + end for end in people}
            assert pair <= set(fold.train) or pair <= set(fold.validation)


@settings(max_examples=60)
@given(datasets(), st.integers(2, 5), st.none() | st.integers(0, 9))
def test_folds_differ_by_at_most_the_longest_recording(data: Data, k: int, seed: int | None) -> None:
    loads = [data.frames(fold.validation) for fold in folds_of(data, name="kfold", k=k, seed=seed).values()]
    recordings: dict[str, int] = {}
    for clip in data.ids("train", "val"):
        recordings[data.recording[clip]] = recordings.get(data.recording[clip], 0) + data.counts[clip]
    assert sum(loads) == sum(recordings.values())
    assert max(loads) - min(loads) <= max(recordings.values())


def test_a_seed_is_another_assignment_as_balanced() -> None:
    rng = np.random.default_rng(0)
    counts = {f"c{i:03d}": int(n) for i, n in enumerate(rng.integers(100, 5000, 60))}
    data = Data(clips_of(dict.fromkeys(counts, "train")), counts)
    found = [folds_of(data, name="kfold", k=5, seed=seed) for seed in (None, 0, 1, 2)]
    assert len({frozenset(parts_of(folds)) for folds in found}) == 4
    for folds in found:
        loads = [data.frames(fold.validation) for fold in folds.values()]
        assert max(loads) / min(loads) < 1.02


def test_clips_without_annotation_spread_evenly() -> None:
    data = Data(clips_of({f"c{number}": "train" for number in range(10)}), {})
    assert [len(fold.validation) for fold in folds_of(data, name="kfold", k=5).values()] == [2] * 5


def test_only_the_number_of_annotated_frames_counts_not_what_is_annotated() -> None:
    rng = np.random.default_rng(0)
    clips = clips_of({f"c{number}": "val" if number % 3 == 0 else "train" for number in range(12)})
    labels = {clip.id: rng.uniform(-1, 1, (int(rng.integers(5, 90)), 2)).astype(np.float32) for clip in clips}
    labels["c4"][:3] = -5
    others = {clip: np.where(rows == -5, rows, -rows / 2) for clip, rows in labels.items()}
    before, after = (Data(clips, annotated_frames({"va": table})) for table in (labels, others))
    assert before.counts["c4"] == len(labels["c4"]) - 3
    for scheme in POOLED:
        assert folds_of(before, **{**scheme, "k": 4}) == folds_of(after, **{**scheme, "k": 4})


def test_over_train_leaves_validation_apart() -> None:
    data = Data(clips_of({"a": "train", "b": "train", "v": "val"}), {})
    for fold in folds_of(data, name="kfold", k=2, over="train").values():
        assert "v" not in fold.train + fold.validation


@settings(max_examples=25)
@given(datasets())
def test_the_last_of_parts_and_val_is_the_official_validation_set(data: Data) -> None:
    folds = folds_of(data, name="parts+val", k=6)
    assert list(folds) == [f"fold{number}" for number in range(1, 7)]
    of_val = {data.recording[clip] for clip in data.ids("val")}
    moved = [clip for clip in data.ids("train") if data.recording[clip] in of_val]
    assert folds["fold6"].validation == sorted(data.ids("val") + moved)
    assert sorted(note.split(":")[0] for note in folds["fold6"].notes) == moved
    assert not any(folds[f"fold{number}"].notes for number in range(1, 6))


def test_mix_holds_nothing_out() -> None:
    data = Data(clips_of({"b_left": "val", "b_right": "train", "a": "train", "t": "test"}), {})
    assert folds_of(data, name="mix") == {"mix": Fold(["a", "b_left", "b_right"], [])}


def test_official_is_what_the_data_set_says() -> None:
    data = Data(clips_of({"x": "train", "y_left": "train", "y_right": "val", "z": "test"}), {})
    folds = folds_of(data, name="official")
    assert folds == {"official": Fold(["x", "y_left"], ["y_right"])}
    assert shared_recordings(data.clips, folds["official"]) == ["y"]


def test_a_clip_trains_if_any_task_says_so() -> None:
    said = [
        ({"va": "val", "expr": "train"}, "train"),
        ({"va": "test", "expr": "val"}, "val"),
        ({"va": "test"}, "test"),
        ({"au": "train"}, None),
        ({}, None),
    ]
    clips = [Clip(id=str(number), recording="r", splits=dict(own)) for number, (own, _) in enumerate(said)]
    assert joint_splits(clips, ["va", "expr"]) == {str(n): split for n, (_, split) in enumerate(said) if split}


def test_names(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("clip,fold\na,p10\nb,p2\nc,p2\n")
    for folds, names in (
        ({"name": "official"}, ["official"]),
        ({"name": "mix"}, ["mix"]),
        ({"name": "kfold", "k": 3}, ["fold1", "fold2", "fold3"]),
        ({"name": "parts+val"}, ["fold1", "fold2", "fold3", "fold4", "fold5", "fold6"]),
        ({"name": "file", "path": str(tmp_path / "f.csv")}, ["p2", "p10"]),
    ):
        assert fold_names(experiment(folds, select={"name": "last"})) == names


@pytest.mark.parametrize(
    ("folds", "splits", "message"),
    [
        (
            {"name": "kfold", "k": 5},
            {"a": "train", "a_left": "train", "b": "val"},
            "5 parts need .* there are 2; lower",
        ),
        (
            {"name": "parts+val", "k": 4},
            {"a": "train", "b": "train", "v": "val"},
            "3 parts need .* there are 2; lower k",
        ),
        ({"name": "parts+val"}, {"a": "train"}, r"folds: parts\+val holds out .* there are none"),
    ],
)
def test_too_few_clips(folds: dict[str, Any], splits: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        folds_of(Data(clips_of(splits), {}), **folds)


def test_an_unknown_fold_is_named() -> None:
    clips = clips_of({"a": "train", "b": "train"})
    with pytest.raises(ValueError, match="no fold 'fold3'; known: fold1, fold2"):
        split(clips, joint_splits(clips, ["va"]), KFolds(name="kfold", k=2), "fold3", {})
