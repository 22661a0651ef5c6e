"""Clips divided by their scenes, with known answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from abaw_pipeline.training.splits.scenes import clip_vector, divide
from abaw_pipeline.training.splits.settings import SceneSettings
from abaw_pipeline.types import FrameTable

ROOMS = {"street": (0.0, 5.0), "office": (8.0, 5.0), "car": (0.0, -4.0)}


def settings(**changes: Any) -> SceneSettings:
    return SceneSettings(**{"feature": "place", "clusters": 3, **changes})


def on_a_line(**places: float) -> dict[str, np.ndarray]:
    return {clip: np.array([place]) for clip, place in places.items()}


def clips_of(vectors: dict[str, np.ndarray], **changes: Any) -> list[list[str]]:
    return [scene.clips for scene in divide(vectors, settings(**changes))]


@pytest.mark.parametrize("seed", range(3))
def test_clusters_that_are_there_are_found_and_numbered_by_their_first_clip(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rooms = [*ROOMS] * 7
    rng.shuffle(rooms)
    truth = {f"c{number:02d}": room for number, room in enumerate(rooms)}
    vectors = {clip: rng.normal(ROOMS[room], 0.3) for clip, room in truth.items()}
    expected = [[clip for clip, room in truth.items() if room == each] for each in dict.fromkeys(rooms)]
    assert clips_of(vectors, seed=seed) == expected
    assert clips_of(dict(reversed(vectors.items())), seed=seed) == expected, "the order of the clips is none of it"


def test_columns_count_alike_whatever_their_scale() -> None:
    rng = np.random.default_rng(0)
    noise = rng.uniform(-100, 100, 40)
    vectors = {f"c{i:02d}": np.array([0.01 * (i % 2), noise[i]]) for i in range(40)}
    assert clips_of(vectors, clusters=2) == [[f"c{i:02d}" for i in range(start, 40, 2)] for start in (0, 1)]


def test_scenes_of_too_few_clips_take_those_of_the_nearest_scene_and_say_so() -> None:
    line = on_a_line(a=0, b=0.1, c=0.2, d=2, e=9, f=9.1, g=9.2)
    found = divide(line, settings(min_clips=3))
    assert [scene.clips for scene in found] == [["a", "b", "c"], ["a", "b", "c", "d"], ["e", "f", "g"]]
    assert [scene.notes for scene in found] == [
        ["scene 1 of 3: 3 of 7 training clips"],
        ["scene 2 of 3: 1 of 7 training clips, too few (scenes.min_clips is 3): trained on those of scene 1 too"],
        ["scene 3 of 3: 3 of 7 training clips"],
    ]
    assert clips_of(line, min_clips=1) == [["a", "b", "c"], ["d"], ["e", "f", "g"]]


def test_scenes_are_taken_until_the_clips_are_enough() -> None:
    first = divide(on_a_line(a=0, b=1, c=5, d=20), settings(clusters=4, min_clips=3))[0]
    assert first.clips == ["a", "b", "c"] and first.notes[0].endswith("trained on those of scenes 2 and 3 too")


def test_a_scene_that_no_clip_is_of_trains_on_those_of_the_nearest() -> None:
    same, far, empty = divide(on_a_line(a=0, b=0, c=0, d=1), settings(min_clips=1))
    assert (same.clips, far.clips) == (["a", "b", "c"], ["d"]) and empty.clips in (same.clips, far.clips)
    assert empty.notes[0].startswith("scene 3 of 3: 0 of 4 training clips, too few")


def test_fewer_clips_than_scenes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^scenes.clusters: 3 scenes need .* 'place', there are 2; lower clusters$"):
        divide(on_a_line(a=0, b=1), settings())


def test_valid_rows_stand_for_a_clip() -> None:
    values = np.array([[1, 2], [60000, 60000], [60000, -60000], [3, 4]], np.float16)
    vector = clip_vector(FrameTable(values, np.array([True, False, False, True])))
    assert vector is not None and vector.tolist() == [2.0, 3.0]
    large = clip_vector(FrameTable(values, np.array([False, True, True, False])))
    assert large is not None and large.tolist() == [60000.0, 0.0], "sums leave the range of float16"
    assert clip_vector(FrameTable(values, np.zeros(4, bool))) is None
