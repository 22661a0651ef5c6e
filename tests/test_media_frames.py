"""Whole pictures: packed where the settings ask for them, and known to everything that lists the parts of the media."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from abaw_pipeline.cleaning.clean import find
from abaw_pipeline.config import Config
from abaw_pipeline.datasets.index import build_index, read_clips
from abaw_pipeline.features.extract import extract
from abaw_pipeline.features.plan import FeaturePlan, plan_feature
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.features.visual.scene import Scene
from abaw_pipeline.features.weights import RandomWeights
from abaw_pipeline.media.build import build_media, stale_parts
from abaw_pipeline.media.plan import media_keys
from abaw_pipeline.media.settings import FrameSettings, MediaSettings
from abaw_pipeline.media.store import Pictures
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.settings_file import check
from abaw_pipeline.state.changed import changes
from abaw_pipeline.state.losses import loss_marks
from abaw_pipeline.state.sources import DataNow
from abaw_pipeline.state.status import stages
from tests.media_fixtures import clip_of, steady, tone, write_clip, write_crops

OFF, ON = MediaSettings(), MediaSettings(frames=FrameSettings(size=64))
SCENE = {"extractor": "scene", "model": "resnet18", "size": 64, "weights": {"source": "random"}}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "results", "toy")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures of 192x108: red to the left, blue to the right, brighter from picture to picture; sound."""
    pictures = []
    for number in range(10):
        picture = np.zeros((108, 192, 3), np.uint8)
        picture[:, :96, 0], picture[:, 96:, 2] = 60 + 15 * number, 200
        pictures.append(picture)
    return write_clip(tmp_path_factory.mktemp("frames") / "x.mp4", steady(25, 0.4), pictures, tone(0.4))


def _plan() -> FeaturePlan:
    settings = Scene.Settings(**{**SCENE, "weights": RandomWeights(source="random")})
    return plan_feature("scene", settings, True)


def test_every_frame_has_its_picture_in_proportion_and_colour(layout: Layout, recording: Path) -> None:
    entry = build_media([clip_of("x", recording)], layout, ON).clips["x"]
    assert set(entry["contents"]) == set(entry["keys"]) == set(entry["libraries"]) == {
        "clock", "faces", "sound", "frames",
    }  # fmt: skip
    with Pictures(layout, "x") as pictures:
        assert len(pictures) == entry["frames"] == 10 and pictures.valid.all()
        assert pictures.content == entry["contents"]["frames"]
        shown = np.stack([pictures.picture(row) for row in range(10)]).astype(float)
    assert shown.shape == (10, 64, 114, 3), "shorter side 64, 192 / 108 * 64 = 113.8"
    np.testing.assert_allclose(shown[:, 32, 20, 0], 60 + 15 * np.arange(10), atol=8)
    np.testing.assert_allclose(shown[:, 32, 90], np.tile([0, 0, 200], (10, 1)), atol=8)


def test_a_small_picture_is_not_enlarged_and_quality_counts(layout: Layout, recording: Path) -> None:
    sizes = {}
    for quality in (50, 95):
        build_media([clip_of("x", recording)], layout, MediaSettings(frames=FrameSettings(size=500, quality=quality)))
        with Pictures(layout, "x") as pictures:
            assert pictures.picture(9).shape == (108, 192, 3)
            sizes[quality] = len(pictures.encoded(9))
    assert sizes[50] < sizes[95]


def test_a_clip_of_crops_has_no_whole_picture(tmp_path: Path, layout: Layout) -> None:
    crops = write_crops(tmp_path / "crops", [1, 2, 4])
    entry = build_media([clip_of("x", crops=crops, rate=25.0)], layout, ON).clips["x"]
    assert entry["faces"] == 3 and [note for note in entry["notes"] if "no whole pictures" in note]
    with Pictures(layout, "x") as pictures:
        assert pictures.valid.tolist() == [False] * 4
        with pytest.raises(ValueError, match="frame 1 has no whole picture"):
            pictures.picture(0)


def _stamps(layout: Layout) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in layout.clock("x").parent.iterdir()}


def test_asking_for_pictures_makes_nothing_else_again(layout: Layout, recording: Path) -> None:
    clip = clip_of("x", recording)
    before = build_media([clip], layout, OFF)
    stamps = _stamps(layout)
    assert set(stamps) == {"clock.h5", "faces.h5", "sound.h5"} and set(before.clips["x"]["keys"]) == set(
        before.clips["x"]["contents"]
    ) == {"clock", "faces", "sound"}
    assert stale_parts(clip, layout, OFF) == [] and stale_parts(clip, layout, ON) == ["frames"]
    build_media([clip], layout, ON)
    small = _stamps(layout)
    assert {name: small[name] for name in stamps} == stamps and set(small) - set(stamps) == {"frames.h5"}
    larger = MediaSettings(frames=FrameSettings(size=96))
    assert stale_parts(clip, layout, larger) == ["frames"]
    build_media([clip], layout, larger)
    assert {name for name, at in _stamps(layout).items() if at != small[name]} == {"frames.h5"}
    assert build_media([clip], layout, OFF) == before


def test_faces_do_not_decide_pictures_nor_pictures_faces(recording: Path) -> None:
    clip = clip_of("x", recording)
    on, off = media_keys(clip, ON), media_keys(clip, OFF)
    assert (on.clock, on.faces, on.sound) == (off.clock, off.faces, off.sound) and off.frames is None
    other = ON.model_copy(update={"faces": ON.faces.model_copy(update={"size": 224})})
    assert media_keys(clip, other).frames == on.frames and media_keys(clip, other).faces != on.faces


def test_damaged_pictures_are_made_again(layout: Layout, recording: Path) -> None:
    clip = clip_of("x", recording)
    first = build_media([clip], layout, ON)
    layout.frames("x").write_bytes(layout.frames("x").read_bytes()[:100])
    with pytest.raises(ValueError, match=r"frames\.h5: damaged.*abaw media toy"):
        Pictures(layout, "x")
    assert build_media([clip], layout, ON) == first


def test_a_feature_of_whole_pictures(tmp_path: Path, layout: Layout, recording: Path) -> None:
    crops = write_crops(tmp_path / "crops", [1, 2])
    clips = [clip_of("x", recording), clip_of("y", crops=crops, rate=25.0)]
    build_media(clips, layout, OFF)
    early = extract(_plan(), clips, layout)
    assert not early.clips and {row.reason for row in early.skipped} == {
        "its whole pictures were not packed yet; make its media again"
    }
    media = build_media(clips, layout, ON)
    made = extract(_plan(), clips, layout, media=media)
    assert {clip: (entry["rows"], entry["valid"]) for clip, entry in made.clips.items()} == {"x": (10, 10), "y": (2, 0)}
    table = FeatureStore(layout.feature_store("scene")).read("x")
    assert table.values.shape == (10, 512) and (np.ptp(table.values, axis=0) > 0).any()
    stamp = (layout.feature_store("scene") / "x" / "zarr.json").stat().st_mtime_ns
    assert extract(_plan(), clips, layout) == made, "contents come from the files as well"
    assert (layout.feature_store("scene") / "x" / "zarr.json").stat().st_mtime_ns == stamp


@pytest.fixture
def raw(tmp_path: Path, recording: Path) -> dict[str, Any]:
    """Settings of a data set of one recording."""
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "x.mp4").write_bytes(recording.read_bytes())
    data = {"adapter": "recordings", "root": str(tmp_path / "videos")}
    return {"results": str(tmp_path / "results"), "shards": 1, "datasets": {"toy": data}}


def _config(raw: dict[str, Any], **more: Any) -> Config:
    return check({**raw, **more}, "config.yaml")


def _made(config: Config, layout: Layout) -> None:
    build_index("toy", config.datasets["toy"], layout)
    build_media(read_clips(layout), layout, config.media).write(layout.media_shard(0))


ASKED = {"frames": {"size": 64}}


def test_settings_that_lack_the_pictures_of_a_feature(raw: dict[str, Any]) -> None:
    more = {"allow_random_weights": True, "features": {"place": SCENE}}
    with pytest.raises(ValueError, match=r"features\.place: it is made from whole pictures; set media\.frames to "):
        _config(raw, **more)
    assert _config(raw, **more, media={"frames": {}}).media.frames == FrameSettings()


def test_the_state_of_the_media_tells_what_was_turned_on(raw: dict[str, Any], layout: Layout) -> None:
    _made(_config(raw), layout)
    on = _config(raw, media=ASKED, allow_random_weights=True, features={"scene": SCENE})
    state = DataNow(on, "toy").media
    assert state.affected == {"x"} and [line for line in state.reasons if line.startswith("setting frames: was None")]
    assert DataNow(on, "toy").feature("scene").affected == {"x"}
    assert [stage.done for stage in stages(on) if stage.name.startswith("media")] == [1]
    assert not list(changes(on, 1, 0.0, lambda: pytest.fail("nothing is computed"))), "no code changed"
    _made(on, layout)
    assert DataNow(on, "toy").media.fine
    layout.frames("x").unlink()
    assert DataNow(on, "toy").media.reasons == ["1 clip with files gone: x"]
    assert DataNow(_config(raw), "toy").media.reasons == [], "who does not ask for them does not miss them"


def test_a_loss_is_noticed_where_pictures_are_asked_for(raw: dict[str, Any], layout: Layout) -> None:
    on, shard = _config(raw, media=ASKED), str(layout.media_shard(0))
    _made(on, layout)
    assert not loss_marks(on)
    layout.frames("x").unlink()
    assert not loss_marks(_config(raw), remember=False)
    assert set(loss_marks(on)) == {shard}


def test_pictures_that_nothing_asks_for_any_more_are_cleaned(raw: dict[str, Any], layout: Layout) -> None:
    on, off = _config(raw, media=ASKED), _config(raw)
    _made(on, layout)
    assert not [place for place in find(on) if layout.frames("x") in place.parts]
    (place,) = find(off)
    assert (place.parts, place.reason) == ((layout.frames("x"),), "media.frames is not set")
    (Path(raw["datasets"]["toy"]["root"]) / "x.mp4").rename(Path(raw["datasets"]["toy"]["root"]) / "y.mp4")
    build_index("toy", on.datasets["toy"], layout)
    assert {layout.frames("x"), layout.clock("x")} < {part for place in find(on) for part in place.parts}
