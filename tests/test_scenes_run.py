"""Scenes in a run of Snakemake: what is asked for, made and made again."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.settings_file import check
from abaw_pipeline.state.listed import manifests
from tests.project import SETTINGS, Project
from tests.world import World

SOUND = {**SETTINGS["experiments"]["both"], "features": ["fbank"]}


def with_scenes(**more: Any) -> dict[str, Any]:
    """One experiment that hears, its clips divided by what the faces look like."""
    scenes = {"feature": "densenet", "clusters": 2, "min_clips": 1}
    experiment = {**copy.deepcopy(SOUND), "scenes": scenes, **more}
    ensembles = {"va": {"task": "va", "members": ["heard"]}}
    return {**copy.deepcopy(SETTINGS), "shards": 1, "experiments": {"heard": experiment}, "ensembles": ensembles}


def test_the_feature_behind_scenes_is_asked_for_where_it_divides() -> None:
    raw = with_scenes(dataset="demo", extra=["more"])
    raw["datasets"]["more"] = {"adapter": "affwild2", "root": "data/more", "tasks": ["va"]}
    asked = {*manifests(check(raw, "config.yaml"))}
    home, more = (Layout(Path("results"), name) for name in ("demo", "more"))
    assert {one.feature_manifest("fbank") for one in (home, more)} | {home.feature_manifest("densenet")} <= asked
    assert more.feature_manifest("densenet") not in asked, "clips of other data sets train every scene's model"
    assert {home.model("heard", fold, 0) / "model.json" for fold in ("officials1", "officials2")} <= asked


@pytest.mark.slow
def test_a_run_with_scenes(tmp_path: Path) -> None:
    world = World(Project.copy(tmp_path / "project", with_scenes()), with_scenes())
    world.run()
    cards = [json.loads(path.read_text()) for path in sorted(world.results.glob("models/heard/*/model.json"))]
    assert [card["fold"] for card in cards] == ["officials1", "officials2"]
    first, second = ({*card["train"]} for card in cards)
    assert first and second and not first & second and {*world.clips("train")} == first | second
    assert all(card["random_features"] == ["densenet"] for card in cards)
    fused = json.loads((world.results / "ensembles/va.json").read_text())
    assert {entry["models"] for entry in fused["clips"].values()} == {2}
    assert fused["clips"].keys() == {*world.clips("val"), *world.clips("test")}
    assert world.announced() == {}
    world.work()
    world.set(features={"densenet": {"weights": {"source": "random", "seed": 1}}})
    assert ("train", "heard") in world.announced(), "other values may divide the clips otherwise"
    world.run()
    done = world.work()
    assert done["extract", "densenet"] == world.all_clips() and ("extract", "fbank") not in done
    assert "Nothing to be done" in world.run() and world.announced() == {}
