"""Data sets whose training clips join those of an experiment's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.settings_file import check
from abaw_pipeline.state.listed import manifests
from abaw_pipeline.training.gather import gather
from abaw_pipeline.training.infer import infer
from abaw_pipeline.training.memory import BASE_MB, FACTOR, Extent, training_mb
from abaw_pipeline.training.pool import home_of, part_of, pool_of
from abaw_pipeline.training.splits.folds import Fold, split
from abaw_pipeline.training.splits.settings import KFolds, OfficialFolds
from abaw_pipeline.types import Clip
from tests.project import SETTINGS
from tests.toy_results import Toy, experiment, run

torch.set_num_threads(1)

OWN = {"c00": "train", "c01": "train", "c03": "val", "c05": "test"}
MORE = {"c10": "train", "c11": "val", "c12": "test", "c13": "none"}


@pytest.fixture
def toys(tmp_path: Path) -> tuple[Toy, Toy]:
    return Toy(tmp_path, OWN, dataset="home"), Toy(tmp_path, MORE, dataset="more")


def test_training_clips_of_the_other_data_set_join_and_no_other_ones(toys: tuple[Toy, Toy]) -> None:
    card, _ = run(toys[0], extra=["more"])
    assert card.train == ["c00", "c01", "more/c10"] and card.validation == ["c03"]
    assert card.data.keys() == {"c00", "c01", "c03", "more/c10"} and not card.skipped
    assert "more: 1 clips join the training side" in card.notes


def test_it_is_as_if_all_clips_were_of_one_data_set(toys: tuple[Toy, Toy], tmp_path: Path) -> None:
    joined, _ = run(toys[0], extra=["more"])
    together = Toy(tmp_path / "one", {**OWN, "c10": "train"})
    assert run(together)[0].content == joined.content != run(toys[0], "alone")[0].content


def key_of(toy: Toy, **changes: Any) -> str:
    return gather(experiment(**changes), "official", 0, toy.layout, None).key


def test_what_joins_decides_the_key_and_nothing_else_of_the_other_data_set(toys: tuple[Toy, Toy]) -> None:
    home, more = toys
    before = key_of(home, extra=["more"])
    assert before != key_of(home)
    more.tables["lin"]["c11"].values[:] += 1
    more.labels["c11"][:] = 0
    more.add("c14", "test")
    more.write()
    assert key_of(home, extra=["more"]) == before
    more.labels["c10"][0] += 0.1
    more.write()
    labelled = key_of(home, extra=["more"])
    more.tables["lin"]["c10"].values[0] += 1
    more.write()
    assert len({before, labelled, key_of(home, extra=["more"])}) == 3


def test_a_data_set_with_labels_of_one_of_two_tasks(tmp_path: Path) -> None:
    home, more = (
        Toy(tmp_path, OWN, dataset="home", tasks=("va", "expr")),
        Toy(tmp_path, MORE, dataset="more", tasks=("expr",)),
    )
    material = gather(experiment(tasks={"va": {}, "expr": {}}, extra=["more"]), "official", 0, home.layout, None)
    assert material.sides["train"]["more/c10"].tasks.keys() == {"expr"}
    assert not more.layout.labels("va").exists()


def test_a_clip_that_lacks_a_feature_is_told_by_its_full_name(toys: tuple[Toy, Toy]) -> None:
    home, more = toys
    more.add("c14", "train")
    more.lost["lin"] = {"c14"}
    more.write()
    card, _ = run(home, extra=["more"])
    assert [row.clip for row in card.skipped] == ["more/c14"] and "more/c10" in card.data


def test_features_that_were_extracted_otherwise_are_refused(toys: tuple[Toy, Toy]) -> None:
    toys[1].write_feature("lin", key="other")
    with pytest.raises(
        ValueError, match="feature 'lin' was extracted otherwise for 'more' than for 'home'; run 'abaw extract more"
    ):
        run(toys[0], extra=["more"])


def test_bundles_of_stills_join_as_stills(toys: tuple[Toy, Toy]) -> None:
    home, more = toys
    more.bundles = {"c10"}
    more.write()
    material = gather(experiment(extra=["more"]), "official", 0, home.layout, None)
    assert {name for name, one in material.sides["train"].items() if one.stills} == {"more/c10"}


def test_clips_that_a_model_was_trained_on_are_never_predicted(toys: tuple[Toy, Toy]) -> None:
    home, more = toys
    run(home, extra=["more"])
    for target, roles, trained in (
        (home, {"c03": "val", "c05": "test"}, ["c00", "c01"]),
        (more, {"c11": "apart", "c12": "test"}, ["c10"]),
    ):
        manifest = infer("x", experiment(extra=["more"]), "official", 0, home.layout, target.layout)
        assert {clip: entry["role"] for clip, entry in manifest.clips.items()} == roles
        assert manifest.about["trained_on"] == trained


def test_a_model_that_learnt_nothing_of_a_data_set_predicts_all_of_it(toys: tuple[Toy, Toy]) -> None:
    run(toys[0])
    assert infer("x", experiment(), "official", 0, toys[0].layout, toys[1].layout).clips.keys() == MORE.keys()


def clips(*names: str, split: str = "train", **more: Any) -> list[Clip]:
    return [Clip(name, more.get("recording", name), splits={"va": split}) for name in names]


def rows(found: list[Clip]) -> dict[str, dict[str, np.ndarray]]:
    return {"va": {clip.id: np.zeros((5, 2), np.float32) for clip in found}}


@given(st.integers(4, 9), st.integers(2, 4))
def test_folds_are_what_they_are_without_the_others(own: int, k: int) -> None:
    mine, others = clips(*(f"c{i}" for i in range(own))), clips("a", "b")
    pool, alone = (pool_of((mine, rows(mine)), extra, ["va"]) for extra in ({"more": (others, rows(others))}, {}))
    settings = KFolds(name="kfold", k=k)
    for name in (f"fold{number}" for number in range(1, k + 1)):
        joined, plain = pool.fold(settings, name), alone.fold(settings, name)
        assert joined.validation == plain.validation and joined.train == [*plain.train, "more/a", "more/b"]
        assert plain == split(mine, {clip.id: "train" for clip in mine}, settings, name, {clip.id: 5 for clip in mine})


def test_a_recording_that_is_held_out_stays_away_and_stills_have_none() -> None:
    mine = [*clips("a"), *clips("b_left", split="val", recording="b")]
    others = [*clips("b", "c"), replace(clips("d", recording="b")[0], stills=("d.jpg",))]
    pool = pool_of((mine, rows(mine)), {"more": (others, rows(others))}, ["va"])
    fold = pool.fold(OfficialFolds(name="official"), "official")
    assert fold.train == ["a", "more/c", "more/d"] and pool.stills == {"more/d"}
    assert any(note.startswith("more/b: left out, its recording") for note in fold.notes)


def test_every_clip_of_a_fold_has_one_home() -> None:
    fold = Fold(["a", "more/a", "more/b", "x/y"], ["v"])
    assert [home_of(name, "own", ["more"]) for name in fold.train[1:]] == [("more", "a"), ("more", "b"), ("own", "x/y")]
    assert part_of(fold, "own", "own", ["more"]) == Fold(["a", "x/y"], ["v"])
    assert part_of(fold, "more", "own", ["more"]) == Fold(["a", "b"], [])
    assert part_of(fold, "else", "own", ["more"]) is None


def test_memory_is_that_of_all_data_sets() -> None:
    one, other = [Extent(10**6, 300, 2), Extent(10**6, 100, 2)], [Extent(5 * 10**5, 300, 2), Extent(5 * 10**5, 100, 2)]
    assert training_mb(one, other) == BASE_MB + FACTOR * 1200


def with_extra(**more: Any) -> dict[str, Any]:
    stills = {"adapter": "images", "root": "data/stills", "layout": "rafdb", **more}
    both = {**SETTINGS["experiments"]["both"], "task": "expr", "dataset": "demo", "extra": ["stills"]}
    demo = {**SETTINGS["datasets"]["demo"], "tasks": ["va", "expr"]}
    return {**SETTINGS, "datasets": {"demo": demo, "stills": stills}, "experiments": {"both": both}, "ensembles": {}}


def test_media_and_features_of_what_joins_are_asked_for() -> None:
    config = check(with_extra(), "config.yaml")
    asked, layout = manifests(config), Layout(Path("results"), "stills")
    assert {layout.media_shard(0), layout.feature_manifest("densenet"), layout.feature_manifest("fbank")} <= {*asked}
    assert not any("models" in str(path) for path in asked if path.is_relative_to(layout.home))


def test_a_data_set_without_labels_of_the_task_cannot_join() -> None:
    with pytest.raises(ValueError, match=r"experiments\.both\.extra: data set 'stills' has no labels for 'expr'"):
        check(with_extra(layout="rafdb_compound"), "config.yaml")
