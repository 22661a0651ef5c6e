"""The media stage: what lies on disk, what is reported, what is done again."""

from __future__ import annotations

import shutil
from dataclasses import replace

import cv2
import h5py
import numpy as np
import pytest
from scipy.io import wavfile

from abaw_pipeline.media.build import build_media
from abaw_pipeline.media.plan import media_keys
from abaw_pipeline.media.settings import FaceSettings, FrameSettings, MediaSettings
from abaw_pipeline.media.store import Faces, read_clock, read_sound
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout, shard_of
from abaw_pipeline.runtime.storage import CannotWrite
from tests.media_fixtures import clip_of, portrait, scene, steady, tone, write_clip, write_crops

HAAR = MediaSettings(faces=FaceSettings(source="detect", detector="haar"))
PLAIN = MediaSettings()


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "results", "toy")


@pytest.fixture(scope="session")
def recording(tmp_path_factory):
    """Ten frames: a large face and a small one, nobody in the fourth and fifth; sound for the first half."""
    pictures = [
        scene(480, 240) if i in (3, 4) else scene(480, 240, (20 + 3 * i, 20, 200), (330, 60, 120)) for i in range(10)
    ]
    return write_clip(tmp_path_factory.mktemp("media") / "x.mp4", steady(25, 0.4), pictures, tone(0.2, 44_100), 44_100)


def stamps(layout, clip="x"):
    return [path(clip).stat().st_mtime_ns for path in (layout.clock, layout.faces, layout.sound)]


def only(manifest, clip="x"):
    assert not manifest.skipped
    return manifest.clips[clip]


def test_official_crops_are_kept_byte_for_byte(tmp_path, layout):
    crops = write_crops(tmp_path / "crops", [1, 2, 4, 7])
    cv2.imwrite(str(crops / "00005.png"), portrait()[:112, :112])
    (crops / "readme.txt").write_text("no crop")
    entry = only(build_media([clip_of("x", crops=crops, rate=25.0)], layout, PLAIN))
    assert entry["frames"] == 7 and entry["faces"] == 5 and entry["face_share"] == pytest.approx(5 / 7, abs=1e-4)
    assert entry["aligned"] == "official" and entry["notes"] == [] and entry["sound_s"] == 0
    with Faces(layout, "x") as faces:
        assert faces.valid.tolist() == [True, True, False, True, True, False, True] and faces.boxes() is None
        assert len(faces) == len(read_clock(layout, "x")) == 7
        for number, name in {1: "00001.jpg", 2: "00002.jpg", 4: "00004.jpg", 5: "00005.png", 7: "00007.jpg"}.items():
            assert faces.encoded(number - 1) == (crops / name).read_bytes()
        assert np.array_equal(faces.picture(4)[..., ::-1], portrait()[:112, :112]), "RGB, and PNG loses nothing"
        assert faces.encoded(2) == b""
        with pytest.raises(ValueError, match="frame 3 has no face"):
            faces.picture(2)


def test_crop_that_is_no_picture_is_a_frame_without_face(tmp_path, layout):
    crops = write_crops(tmp_path / "crops", range(1, 41))
    (crops / "00007.jpg").write_bytes(b"this is no JPEG")
    entry = only(build_media([clip_of("x", crops=crops, rate=25.0)], layout, PLAIN))
    assert entry["notes"] == ["1 of 40 crops are no readable picture: 00007.jpg"] and entry["faces"] == 39
    with Faces(layout, "x") as faces:
        assert np.flatnonzero(~faces.valid).tolist() == [6]


@pytest.mark.parametrize("content", [b"", b"no JPEG", "truncated"])
def test_many_unreadable_crops_make_a_bad_clip(content, tmp_path, layout):
    crops = write_crops(tmp_path / "crops", range(1, 41))
    for number in (3, 5, 8):
        path = crops / f"{number:05d}.jpg"
        path.write_bytes(path.read_bytes()[:-60] if content == "truncated" else content)
    manifest = build_media([clip_of("x", crops=crops, rate=25.0)], layout, PLAIN)
    assert not manifest.clips and "3 of 40 crops are no readable picture: 00003.jpg" in manifest.skipped[0].reason
    assert not layout.faces("x").exists()
    lenient = MediaSettings(max_error_share=0.1)
    assert only(build_media([clip_of("x", crops=crops, rate=25.0)], layout, lenient))["faces"] == 37


@pytest.mark.parametrize(("last", "good"), [(15, True), (16, False)])
def test_crops_past_the_last_picture(last, good, tmp_path, layout, recording):
    crops = write_crops(tmp_path / "crops", [1, 10, 11, last])
    manifest = build_media([clip_of("x", recording, crops)], layout, PLAIN)
    if good:
        assert only(manifest)["notes"] == ["2 crops past the last of 10 frames left out"]
        assert only(manifest)["frames"] == 10 and only(manifest)["faces"] == 2
    else:
        assert "crops reach number 16, the recording has 10 frames" in manifest.skipped[0].reason


@pytest.mark.parametrize("name", ["00000.jpg", "face.jpg", "1.jpg"])
def test_crops_that_are_misnumbered(name, tmp_path, layout):
    crops = write_crops(tmp_path / "crops", [1, 2])
    shutil.copy(crops / "00002.jpg", crops / name)
    manifest = build_media([clip_of("x", crops=crops, rate=25.0)], layout, PLAIN)
    assert name in manifest.skipped[0].reason


def test_detected_faces_follow_the_larger_person(layout, recording):
    entry = only(build_media([clip_of("x", recording)], layout, HAAR))
    assert entry["frames"] == 10 and entry["faces"] == 8 and entry["aligned"] == "box"
    assert entry["sound_s"] == pytest.approx(0.2, abs=0.05)
    with Faces(layout, "x") as faces:
        assert np.flatnonzero(~faces.valid).tolist() == [3, 4]
        found = faces.boxes()
        assert np.isnan(found[3:5]).all() and np.all(found[faces.valid, 0] < 200)
        assert np.all(np.diff(found[faces.valid, 0]) > 0), "the box moves with the person"
        assert {faces.picture(int(i)).shape for i in np.flatnonzero(faces.valid)} == {(112, 112, 3)}
        reds = faces.picture(0)[40:80, 40:80].reshape(-1, 3).mean(axis=0)
        assert reds[0] > reds[2] + 20, "skin is red: channels are not swapped"


@pytest.mark.parametrize("crops", [False, True])
def test_sound_alone_has_frames_without_faces_or_its_crops(crops, tmp_path, layout):
    wavfile.write(tmp_path / "x.wav", 16_000, tone(1.22))
    folder = write_crops(tmp_path / "crops", [1, 2, 20]) if crops else None
    whole = MediaSettings(frames=FrameSettings())
    entry = only(build_media([clip_of("x", tmp_path / "x.wav", folder, rate=25.0)], layout, whole))
    assert (entry["frames"], entry["faces"]) == ((20, 3) if crops else (30, 0))
    assert entry["sound_s"] == pytest.approx(1.22, abs=1e-3)
    assert ("a recording of sound alone: no frame has a face" in entry["notes"]) == (not crops)
    np.testing.assert_allclose(read_clock(layout, "x").times, np.arange(entry["frames"]) / 25)
    with Faces(layout, "x") as faces:
        assert faces.valid.sum() == entry["faces"]


def test_side_of_the_clip_and_size_of_the_crop(layout, recording):
    large = MediaSettings(faces=FaceSettings(source="detect", size=224))
    entry = only(build_media([clip_of("x_right", recording, side="right")], layout, large), "x_right")
    with Faces(layout, "x_right") as faces:
        assert entry["faces"] == 8 and np.all(faces.boxes()[faces.valid, 0] > 300)
        assert faces.picture(0).shape == (224, 224, 3)


def test_bad_clips_are_reported_and_the_others_finished(tmp_path, layout, recording):
    paths = {name: tmp_path / f"{name}.mp4" for name in ("cut", "empty", "text", "gone")}
    paths["cut"].write_bytes(recording.read_bytes()[:-500])
    paths["empty"].write_bytes(b"")
    paths["text"].write_text("no recording")
    paths["gone"].write_text("soon gone")
    clips = [clip_of(name, path) for name, path in paths.items()] + [clip_of("good", recording), clip_of("bare")]
    paths["gone"].unlink()
    manifest = build_media(clips, layout, HAAR)
    assert set(manifest.clips) == {"good"} and manifest.clips["good"]["frames"] == 10
    reasons = {row.clip: row.reason for row in manifest.skipped}
    expected = {"cut": "truncated", "empty": "empty", "text": "cannot be read", "gone": "no such", "bare": "neither"}
    assert set(reasons) == set(expected) and {row.stage for row in manifest.skipped} == {"media"}
    for name, reason in expected.items():
        assert reason in reasons[name] and "\n" not in reasons[name]
        assert name == "bare" or paths[name].name in reasons[name]
        assert not layout.clock(name).exists()
    assert not list(layout.home.rglob(".tmp-*"))


def test_programming_errors_are_not_swallowed(layout, recording, monkeypatch):
    def broken(*_):
        raise TypeError("a bug")

    monkeypatch.setattr("abaw_pipeline.media.build.write_sound", broken)
    with pytest.raises(TypeError, match="a bug"):
        build_media([clip_of("x", recording)], layout, HAAR)


def test_a_full_disk_is_no_fault_of_a_clip(layout, recording, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("abaw_pipeline.media.build.write_sound", full)
    with pytest.raises(CannotWrite, match="No space left"):
        build_media([clip_of("x", recording)], layout, HAAR)


def test_yunet_without_model_stops_the_stage(layout, recording):
    yunet = MediaSettings(faces=FaceSettings(detector="yunet"))
    with pytest.raises(ValueError, match=r"set media\.faces\.model"):
        build_media([clip_of("x", recording)], layout, yunet)


def test_official_crops_need_no_detector(tmp_path, layout):
    crops = write_crops(tmp_path / "crops", [1])
    yunet = MediaSettings(faces=FaceSettings(detector="yunet"))
    assert only(build_media([clip_of("x", crops=crops, rate=25.0)], layout, yunet))["faces"] == 1


def test_source_that_a_clip_lacks(tmp_path, layout, recording):
    crops = write_crops(tmp_path / "crops", [1])
    no_crops = build_media([clip_of("x", recording)], layout, MediaSettings(faces=FaceSettings(source="crops")))
    assert "no crop folder" in no_crops.skipped[0].reason
    no_video = build_media([clip_of("y", crops=crops, rate=25.0)], layout, HAAR)
    assert "there is no recording" in no_video.skipped[0].reason


def test_second_run_does_nothing_and_a_rebuilt_clip_has_the_same_content(layout, recording):
    clip = clip_of("x", recording)
    first = build_media([clip], layout, HAAR)
    before = stamps(layout)
    again = build_media([clip], layout, HAAR)
    assert stamps(layout) == before and again == first
    shutil.rmtree(layout.clock("x").parent)
    assert build_media([clip], layout, HAAR) == first and stamps(layout) != before


def test_damaged_media_is_made_again_and_named_by_readers(layout, recording):
    clip = clip_of("x", recording)
    first = build_media([clip], layout, HAAR)
    for path in (layout.clock("x"), layout.faces("x"), layout.sound("x")):
        path.write_bytes(path.read_bytes()[:100])
    for read in (read_clock, read_sound, Faces):
        with pytest.raises(ValueError, match=r"damaged.*abaw media toy"):
            read(layout, "x")
        with pytest.raises(ValueError, match=r"not there yet.*abaw media toy"):
            read(layout, "y")
    assert build_media([clip], layout, HAAR) == first


def test_only_what_depends_on_a_setting_is_made_again(tmp_path, layout, recording):
    crops = write_crops(tmp_path / "crops", [1, 2])
    plain, official = clip_of("x", recording), clip_of("y", recording, crops)
    keys, kept = media_keys(plain, PLAIN), media_keys(official, PLAIN)
    other = MediaSettings(faces=FaceSettings(min_overlap=0.5))
    assert media_keys(official, other) == kept
    assert media_keys(plain, other) == replace(keys, faces=media_keys(plain, other).faces) != keys
    assert media_keys(plain, MediaSettings(faces=FaceSettings(threshold=0.9))) == keys, "Haar has no threshold"
    assert media_keys(official, HAAR).faces != kept.faces
    assert media_keys(replace(plain, side="left"), PLAIN).faces != keys.faces
    assert media_keys(replace(plain, id="z", recording="z", splits={"va": "train"}), PLAIN) == keys
    changed = media_keys(replace(plain, digest="other"), PLAIN)
    assert changed.clock != keys.clock and changed.faces != keys.faces and changed.sound != keys.sound


def test_moving_the_model_file_changes_no_key_and_its_content_does(tmp_path, recording):
    for name, content in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        (tmp_path / name).write_bytes(content)
    clip = clip_of("x", recording)
    a, b, c = (
        media_keys(clip, MediaSettings(faces=FaceSettings(detector="yunet", model=str(tmp_path / name))))
        for name in "abc"
    )
    assert a == b and a.faces != c.faces and a.clock == c.clock


def test_clip_without_digest_is_refused(layout, recording):
    manifest = build_media([replace(clip_of("x", recording), digest="")], layout, PLAIN)
    assert "abaw index" in manifest.skipped[0].reason


def test_more_than_one_block_of_crops(tmp_path, layout):
    noise = np.random.default_rng(0).integers(0, 255, (40, 224, 224, 3), np.uint8)
    (tmp_path / "crops").mkdir()
    for number, picture in enumerate(noise, 1):
        cv2.imwrite(str(tmp_path / "crops" / f"{number:05d}.png"), picture)
    only(build_media([clip_of("x", crops=tmp_path / "crops", rate=25.0)], layout, PLAIN))
    with Faces(layout, "x") as faces:
        assert all(np.array_equal(faces.picture(i)[..., ::-1], noise[i]) for i in range(40))
    with h5py.File(layout.faces("x")) as file:
        assert file["jpeg"].shape[0] == file["offsets"][-1] > 2 << 20


def test_command_makes_the_clips_of_its_shard(tmp_path, monkeypatch, layout):
    from click.testing import CliRunner

    from abaw_pipeline.cli.media import command

    clips = [clip_of(f"c{i}", crops=write_crops(tmp_path / f"c{i}", [1, 2]), rate=25.0) for i in range(6)]
    clips[0] = replace(clips[0], crops=str(tmp_path / "none"))
    monkeypatch.setattr("abaw_pipeline.datasets.index.read_clips", lambda _: clips)

    class Settings:
        shards, media = 2, PLAIN

    class Run:
        config = Settings

        def layout(self, _):
            return layout

    done = CliRunner().invoke(command, ["toy", "--shard", "0"], obj=Run(), catch_exceptions=False)
    mine = {clip.id for clip in clips if shard_of(clip.id, 2) == 0}
    manifest = Manifest.read(layout.media_shard(0), "abaw media")
    assert set(manifest.clips) | {row.clip for row in manifest.skipped} == mine and 0 < len(mine) < 6
    assert done.exit_code == 0 and f"media: {len(manifest.clips)} clips" in done.output
    CliRunner().invoke(command, ["toy"], obj=Run(), catch_exceptions=False)
    both = Manifest.join(Manifest.read(layout.media_shard(n), "abaw media") for n in (0, 1))
    assert len(both.clips) == 5 and [row.clip for row in both.skipped] == ["c0"]
    with pytest.raises(ValueError, match="--shard 2"):
        CliRunner().invoke(command, ["toy", "--shard", "2"], obj=Run(), catch_exceptions=False)
