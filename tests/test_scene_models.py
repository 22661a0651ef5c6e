"""Experiments with a model per scene: what each of them learns from, whom it predicts, and what is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from abaw_pipeline.ensembles.blend import blend
from abaw_pipeline.ensembles.runs import model_runs
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.training.gather import Material, gather
from abaw_pipeline.training.infer import infer
from abaw_pipeline.training.splits.names import fold_names
from abaw_pipeline.types import FrameTable
from tests.toy_results import Toy, experiment, run

torch.set_num_threads(1)

ROOMS = {"c00": 0, "c01": 1, "c02": 2, "c03": 0, "c04": 1, "c05": 2}
HELD = ("c06", "c07")
SPLITS = {**dict.fromkeys(ROOMS, "train"), **dict.fromkeys(HELD, "val"), "c08": "test"}
SCENES: dict[str, Any] = {"feature": "place", "clusters": 3}
EACH = [["c00", "c03"], ["c01", "c04"], ["c02", "c05"]]


def stand(toy: Toy, clip: str, room: int, feature: str = "place") -> None:
    """Put a clip in front of one of the backgrounds."""
    frames = len(toy.tables["lin"][clip].valid)
    values = np.eye(3)[room] + np.random.default_rng(room).normal(size=(frames, 3)) * 0.1
    toy.tables.setdefault(feature, {})[clip] = FrameTable(values.astype(np.float32), np.ones(frames, bool))


def furnished(path: Path, feature: str = "place", **more: Any) -> Toy:
    toy = Toy(path, SPLITS, **more)
    for clip in SPLITS:
        stand(toy, clip, ROOMS.get(clip, 0), feature)
    toy.write()
    return toy


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return furnished(tmp_path)


def material(toy: Toy, scene: int, **changes: Any) -> Material:
    return gather(experiment(scenes=SCENES, **changes), f"officials{scene}", 0, toy.layout, None)


def trained(toy: Toy, **changes: Any) -> list[Manifest]:
    """The predictions of every model of experiment ``x``."""
    settings = experiment(**{"scenes": SCENES, "epochs": 1, **changes})
    found = []
    for fold in fold_names(settings):
        run(toy, fold=fold, **{"scenes": SCENES, "epochs": 1, **changes})
        found.append(infer("x", settings, fold, 0, toy.layout, toy.layout))
    return found


def test_the_training_side_shrinks_to_the_scene_and_the_other_side_stays_whole(toy: Toy) -> None:
    for scene, clips in enumerate(EACH, 1):
        found = material(toy, scene)
        assert found.fold.train == clips == [*found.sides["train"]] and found.fold.validation == [*HELD]
        assert found.scene and found.scene.others == [clip for clip in ROOMS if clip not in clips]
        assert f"scene {scene} of 3: 2 of 6 training clips" in found.notes


def test_clips_and_labels_that_are_held_out_divide_nothing(toy: Toy) -> None:
    before = [material(toy, scene).fold.train for scene in (1, 2, 3)]
    for clip in (*HELD, "c08"):
        toy.tables["place"][clip].values[:] += 100
    for clip in HELD:
        toy.labels[clip][:] = 0
    toy.add("c09", "val")
    stand(toy, "c09", 2)
    toy.write()
    assert [material(toy, scene).fold.train for scene in (1, 2, 3)] == before


def test_the_division_decides_the_key_and_the_feature_behind_it_does_not(toy: Toy) -> None:
    keys = [material(toy, scene).key for scene in (1, 2, 3)]
    toy.tables["place"]["c00"].values[:] *= 1.01
    toy.write()
    assert [material(toy, scene).key for scene in (1, 2, 3)] == keys
    stand(toy, "c00", 1)
    toy.write()
    after = [material(toy, scene) for scene in (1, 2, 3)]
    assert after[0].fold.train == ["c00", "c01", "c04"] and after[1].fold.train == ["c02", "c05"]
    assert not {one.key for one in after} & {*keys}


def test_a_model_that_is_kept_knows_the_feature_as_it_is_now(toy: Toy) -> None:
    before, _ = run(toy, fold="officials1", scenes=SCENES)
    toy.tables["place"]["c00"].values[:] *= 1.01
    toy.write()
    after, anew = run(toy, fold="officials1", scenes=SCENES)
    assert not anew and after.content == before.content
    assert before.scene and after.scene and before.scene.contents != after.scene.contents
    assert run(toy, fold="officials1", scenes=SCENES)[0] == after


def test_no_model_predicts_a_clip_that_another_scene_of_its_fold_learns_from(toy: Toy) -> None:
    for manifest in trained(toy):
        assert {clip: entry["role"] for clip, entry in manifest.clips.items()} == {
            **dict.fromkeys(HELD, "val"),
            "c08": "test",
        }
        assert sorted(manifest.about["trained_on"]) == [*ROOMS]


def test_every_scene_of_a_fold_predicts_the_clips_that_the_fold_holds_out(toy: Toy) -> None:
    two = {"feature": "place", "clusters": 2, "min_clips": 1}
    predicted = trained(toy, scenes=two, folds={"name": "kfold", "k": 2})
    held = [{clip for clip, entry in one.clips.items() if entry["role"] == "val"} for one in predicted]
    assert held[0] == held[1] and held[2] == held[3] and held[0] | held[2] == {*ROOMS, *HELD}
    assert not held[0] & held[2]


def test_clips_of_other_data_sets_train_every_scene(toy: Toy, tmp_path: Path) -> None:
    Toy(tmp_path, {"c10": "train", "c11": "val"}, dataset="more")
    for scene, clips in enumerate(EACH, 1):
        found = material(toy, scene, extra=["more"])
        assert found.fold.train == [*clips, "more/c10"] and found.scene and "more/c10" not in found.scene.others


def test_a_clip_without_a_scene_is_reported_and_never_predicted(toy: Toy) -> None:
    toy.lost["place"] = {"c00"}
    toy.tables["place"]["c05"].valid[:] = False
    toy.write()
    found = material(toy, 1)
    assert {row.clip: row.reason.split(";")[0] for row in found.skipped} == {
        "c00": "no feature 'place': not extracted yet",
        "c05": "no valid frame of 'place'",
    }
    assert found.scene and {"c00", "c05"} <= {*found.scene.others}


def test_random_weights_behind_the_scenes_are_told(tmp_path: Path) -> None:
    toy = furnished(tmp_path, "dice")
    manifests = trained(toy, scenes={**SCENES, "feature": "dice"})
    assert [one.about["random_features"] for one in manifests] == [["dice"]] * 3


def test_a_fold_of_an_ensemble_stands_for_all_its_scenes() -> None:
    settings = experiment(scenes={"feature": "place", "clusters": 2}, folds={"name": "kfold", "k": 3})
    for folds, taken in ((["fold2"], ["fold2s1", "fold2s2"]), (["fold3s1"], ["fold3s1"])):
        ensemble = EnsembleSettings(members=["x"], folds=folds)
        assert model_runs(settings, ensemble) == [(fold, 0) for fold in taken]


def fused(toy: Toy, method: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What the three scenes' models say of the classes of each clip, ``(3, n, C)``, and their ensemble, ``(n, C)``."""
    settings = {"task": "expr", "scenes": SCENES, "epochs": 8}
    predicted = trained(toy, **settings)
    stores = [ArrayStore(toy.layout.predictions("x", f"officials{scene}", 0), "") for scene in (1, 2, 3)]
    ensemble = EnsembleSettings.model_validate({"task": "expr", "members": ["x"], "method": method})
    manifest = blend("e", ensemble, {"x": experiment(**settings)}, toy.layout)
    assert {entry["models"] for entry in manifest.clips.values()} == {3}
    found = {}
    for clip, entry in manifest.clips.items():
        own = [s.read_arrays(clip, p.clips[clip]["key"])["expr"] for s, p in zip(stores, predicted, strict=True)]
        found[clip] = np.stack(own), ArrayStore(toy.layout.ensemble("e"), "").read_arrays(clip, entry["key"])["expr"]
    return found


def test_the_mean_over_all_scenes(tmp_path: Path) -> None:
    made = fused(furnished(tmp_path, tasks=("va", "expr")), "mean")
    assert made.keys() == {*HELD, "c08"}
    for own, values in made.values():
        np.testing.assert_allclose(values, own.mean(axis=0), atol=1e-6)


def test_all_scenes_vote(tmp_path: Path) -> None:
    made = fused(furnished(tmp_path, tasks=("va", "expr")), "vote")
    outvoted = 0
    for own, values in made.values():
        votes = (own.argmax(axis=2)[..., None] == np.arange(own.shape[2])).sum(axis=0)
        decided = votes.max(axis=1) > 1
        assert (values.argmax(axis=1) == votes.argmax(axis=1))[decided].all()
        outvoted += int((votes.max(axis=1) == 2).sum())
    assert outvoted, "no model was ever outvoted, which shows nothing"
