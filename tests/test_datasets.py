"""Adapters and index on small hand-made folders with the traps of the real data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abaw_pipeline.datasets.index import build_index, listing_digest, read_clips, read_labels, read_sample
from abaw_pipeline.datasets.labels import read_label_file
from abaw_pipeline.datasets.names import person, stated_rate
from abaw_pipeline.datasets.settings import RecordingsSettings
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.strict import parse
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS
from tests.affwild2_folder import VA, annotate, index, put, reasons


def test_clips_with_and_without_recordings(root: Path) -> None:
    manifest, layout = index(root)
    clips = {clip.id: clip for clip in read_clips(layout)}
    assert list(clips) == ["139-14-720x480", "2-30-640x360", "314"] and not manifest.skipped
    assert clips["314"].video == str(root / "batch1" / "314.mp4") and clips["314"].crops is None
    assert clips["314"].rate is None and clips["314"].splits == {"va": "train"}
    assert clips["139-14-720x480"].rate == 14 and clips["139-14-720x480"].splits == {"va": "val"}
    assert clips["2-30-640x360"].splits == {"va": "test"}
    assert read_sample(layout, "va") == [("2-30-640x360", 1), ("2-30-640x360", 2)]
    assert layout.sample("va").read_bytes() == (root / "sample.txt").read_bytes()
    labels = read_labels(layout, "va")
    assert set(labels) == {"314", "139-14-720x480"} and labels["314"].dtype == np.float32
    np.testing.assert_array_equal(labels["314"], [[0.5, -0.5], [-5, -5]])


def test_a_recording_is_asked_for_its_rate_not_its_name(root: Path) -> None:
    put(root / "batch2" / "139-14-720x480.AVI")
    assert {clip.id: clip.rate for clip in read_clips(index(root)[1])}["139-14-720x480"] is None


@pytest.mark.parametrize(
    ("clip", "known", "expected"),
    [
        ("a_left", {"a_left", "a_right"}, ("a", "left")),
        ("a_right", {"a_left", "a_right"}, ("a", "right")),
        ("a", {"a", "a_right"}, ("a", "left")),
        ("a", {"a", "a_left"}, ("a", "right")),
        ("video10_1_left", {"video10_1_left"}, ("video10_1", "left")),
        ("a", {"a"}, ("a", None)),
        ("a", {"a", "a_left", "a_right"}, ("a", None)),
        ("a_left_b", {"a_left_b"}, ("a_left_b", None)),
        ("a_right_left", {"a_right_left"}, ("a_right", "left")),
        ("_left", {"_left"}, ("_left", None)),
    ],
)
def test_two_people_in_one_recording(clip: str, known: set[str], expected: tuple[str, str | None]) -> None:
    assert person(clip, known) == expected


def test_two_people_share_recording_and_fold_name(root: Path) -> None:
    for clip in ("5-60-1920x1080", "5-60-1920x1080_left", "video10_1_left"):
        annotate(root, clip)
    put(root / "batch3" / "5-60-1920x1080.mp4")
    put(root / "batch3" / "video10_1.avi")
    clips = {clip.id: clip for clip in read_clips(index(root)[1])}
    one, other = clips["5-60-1920x1080"], clips["5-60-1920x1080_left"]
    assert (one.side, other.side) == ("right", "left")
    assert one.recording == other.recording and one.video == other.video and one.digest == other.digest
    assert clips["video10_1_left"].recording == "video10_1" and clips["video10_1_left"].video.endswith("video10_1.avi")


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("139-14-720x480", 14),
        ("2-30-640x360", 30),
        ("5-29.97-640x360", 29.97),
        ("314", None),
        ("video10_1", None),
        ("1-0-640x360", None),
        ("139-14-720x480_left", None),
    ],
)
def test_rates_in_names(name: str, rate: float | None) -> None:
    assert stated_rate(name) == rate


def test_the_rate_of_a_suffixed_clip_is_its_recordings(root: Path) -> None:
    put(root / "cropped_aligned" / "7-24-640x480_right" / "00001.jpg")
    assert {c.id: c.rate for c in read_clips(index(root)[1])}["7-24-640x480_right"] == 24


@pytest.mark.parametrize(
    "text", ["\ufeff" + VA + "0.5,-0.5\n", "valence,arousal\r\n0.5,-0.5\r\n", VA + "0.5,-0.5\n\n\n", VA + "0.5,-0.5"]
)
def test_label_files_of_any_editor(tmp_path: Path, text: str) -> None:
    rows = read_label_file(put(tmp_path / "a.txt", text), TASKS["va"])
    np.testing.assert_array_equal(rows, np.float32([[0.5, -0.5]]))


@pytest.mark.parametrize(
    ("task", "body", "line"),
    [
        ("va", "0.5,-0.5\n0.5,x\n", 3),
        ("va", "0.5,-0.5\n0.5,0.5,0.5\n", 3),
        ("va", "0.5,-0.5\n\n0.1,0.1\n", 3),
        ("va", "0.1,0.1\n0.2,0.2\n1.5,0\n", 4),
        ("va", "nan,0\n", 2),
        ("expr", "0\n7\n8\n", 4),
        ("expr", "0.5\n", 2),
        ("au", "0,1,0,1,0,1,0,1,0,1,0,1\n0,1,0,1,0,1,0,1,0,1,0,2\n", 3),
        ("au", "0,1\n", 2),
        ("va", "", 2),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, task: str, body: str, line: int) -> None:
    path = put(tmp_path / "a.txt", TASKS[task].header + "\n" + body)
    with pytest.raises(ValueError, match=rf"a\.txt: line {line}: "):
        read_label_file(path, TASKS[task])


FLOATS = st.floats(-1, 1, width=32)


@given(rows=st.lists(st.tuples(FLOATS, FLOATS) | st.just((-5.0, -5.0)), min_size=1))
def test_label_rows_come_back_in_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, float]]
) -> None:
    text = VA + "".join(f"{v!r},{a!r}\n" for v, a in rows)
    path = put(tmp_path_factory.mktemp("labels") / "a.txt", text)
    np.testing.assert_array_equal(read_label_file(path, TASKS["va"]), np.float32(rows))


def test_a_foreign_header_skips_its_clip_only(root: Path) -> None:
    bad = annotate(root, "bad", "arousal,valence\n0,0\n")
    put(root / "batch1" / "bad.mp4")
    manifest, layout = index(root)
    assert reasons(manifest) == {
        "bad": f"{bad}: line 1: expected the header 'valence,arousal', found 'arousal,valence'"
    }
    assert "bad" not in read_labels(layout, "va") and len(read_clips(layout)) == 3
    with pytest.raises(ValueError, match=r"datasets\.aw\.on_bad_clip.*bad\.txt: line 1"):
        index(root, on_bad_clip="stop")


def test_clips_without_or_with_doubtful_material_are_reported(root: Path) -> None:
    annotate(root, "nothing")
    annotate(root, "twice")
    for batch in ("batch1", "batch2"):
        put(root / batch / "twice.mp4")
    found = reasons(index(root)[0])
    assert "neither a recording 'nothing'" in found["nothing"]
    assert "2 recordings of one name" in found["twice"] and "batch2" in found["twice"]


def test_an_unreadable_recording_is_reported(root: Path) -> None:
    annotate(root, "gone")
    (root / "batch1" / "gone.mp4").symlink_to(root / "nowhere")
    manifest, layout = index(root)
    assert "gone.mp4: No such file" in reasons(manifest)["gone"]
    assert "gone" not in read_labels(layout, "va")


def test_a_clip_on_both_sides_of_a_split_stops(root: Path) -> None:
    annotate(root, "314", split="Validation_Set")
    with pytest.raises(ValueError, match=r"more than one split.*314 \(va: train, val\)"):
        index(root)


def test_a_training_clip_in_the_test_list_stops(root: Path) -> None:
    put(root / "lists" / "test.txt", "\ufeff2-30-640x360\r\n314.mp4\r\n")
    with pytest.raises(ValueError, match=r"314 \(va: test, train\)"):
        index(root)


@pytest.mark.parametrize("folder", ["EXPR_Classification_Challenge", "EXPR_Recognition_Challenge"])
def test_a_clip_may_train_one_task_and_test_another(root: Path, folder: str) -> None:
    annotate(root, "2-30-640x360", TASKS["expr"].header + "\n3\n-1\n", folder=folder)
    _, layout = index(root, tasks=["va", "expr"])
    clips = {clip.id: clip for clip in read_clips(layout)}
    assert clips["2-30-640x360"].splits == {"expr": "train", "va": "test"}
    np.testing.assert_array_equal(read_labels(layout, "expr")["2-30-640x360"], [[3], [-1]])


def test_both_spellings_at_once_are_not_chosen_from(root: Path) -> None:
    for folder in TASKS["expr"].folders:
        annotate(root, "314", TASKS["expr"].header + "\n3\n", folder=folder)
    with pytest.raises(ValueError, match="keep one of them"):
        index(root, tasks=["expr"], samples={}, test_lists={})


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"root": "/no/such/place"}, r"datasets\.aw\.root: no folder /no/such/place"),
        ({"recordings": ["videos"]}, r"datasets\.aw\.recordings: no folder .*videos"),
        ({"crops": ["faces"]}, r"datasets\.aw\.crops: no folder .*faces"),
        ({"annotations": "labels"}, r"datasets\.aw\.annotations: no folder .*labels"),
        ({"tasks": ["au"]}, r"datasets\.aw\.annotations: no folder .*AU_Detection_Challenge"),
        ({"samples": {"va": "none.txt"}}, r"datasets\.aw\.samples\.va: no file .*none\.txt"),
        ({"test_lists": {"va": "none.txt"}}, r"datasets\.aw\.test_lists\.va: no file .*none\.txt"),
    ],
)
def test_missing_data_names_path_and_setting(root: Path, more: dict[str, object], key: str) -> None:
    with pytest.raises(ValueError, match=key):
        index(root, **more)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("\n2-30-640x360/00001.jpg,\n", "line 2: an empty row in the middle"),
        ("2-30-640x360/00001.jpg,\n2-30-640x360/00000.jpg,\n", "line 3: '2-30-640x360/00000.jpg' is not"),
        ("", "line 2: no rows after the header"),
    ],
)
def test_a_damaged_sample_is_refused(root: Path, rows: str, message: str) -> None:
    put(root / "sample.txt", TRACKS["va"].header + "\n" + rows)
    with pytest.raises(ValueError, match=f"sample.txt: {message}"):
        index(root)


def test_no_usable_clip_stops(root: Path) -> None:
    with pytest.raises(ValueError, match=r"datasets\.aw: no usable clip, 3 bad ones; the first: .*neither a recording"):
        index(root, recordings=[], crops=[])


def test_a_label_file_that_is_no_text_is_reported(root: Path) -> None:
    bad = annotate(root, "314")
    bad.write_bytes(b"valence,arousal\n\xff\xfe\n")
    assert reasons(index(root)[0]) == {"314": f"{bad}: line 2: not UTF-8 text (invalid start byte); save it as UTF-8"}


def test_a_sample_of_another_track_is_refused(root: Path) -> None:
    put(root / "sample.txt", TRACKS["expr"].header + "\n2-30-640x360/00001.jpg,0\n")
    with pytest.raises(ValueError, match=r"sample\.txt: line 1: expected the header 'image_location,valence,arousal'"):
        index(root)


def recordings(**raw: object) -> RecordingsSettings:
    return parse(RecordingsSettings, {"adapter": "recordings", **raw}, "config.yaml")


def test_plain_recordings(tmp_path: Path) -> None:
    for name in ("b.mov", "a.MP4", "notes.txt", ".hidden.mp4"):
        put(tmp_path / "in" / name)
    layout = Layout(tmp_path / "results", "mine")
    build_index("mine", recordings(root=str(tmp_path / "in")), layout)
    assert [(clip.id, clip.recording, clip.splits) for clip in read_clips(layout)] == [("a", "a", {}), ("b", "b", {})]
    listings = [listing_digest(recordings(root=str(tmp_path / "in")))]
    for files in (["b.mov"], ["b.mov", "missing.mov"]):
        listings.append(listing_digest(recordings(root=str(tmp_path / "in"), files=files)))
    assert len(set(listings)) == 3
    chosen = recordings(root=str(tmp_path / "in"), files=["b.mov"])
    assert (chosen.labelled, chosen.samples) == ([], {})
    build_index("mine", chosen, layout)
    assert [clip.id for clip in read_clips(layout)] == ["b"]
    build_index("mine", recordings(files=[str(tmp_path / "in" / "a.MP4")]), layout)
    assert [clip.id for clip in read_clips(layout)] == ["a"]


def test_plain_recordings_that_cannot_be_told_apart_or_found(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "results", "mine")
    with pytest.raises(ValueError, match="give 'root'"):
        recordings()
    with pytest.raises(ValueError, match=r"datasets\.mine\.files: no file .*x\.mp4"):
        build_index("mine", recordings(root=str(tmp_path), files=["x.mp4"]), layout)
    with pytest.raises(ValueError, match=r"datasets\.mine\.root: no recording"):
        build_index("mine", recordings(root=str(tmp_path)), layout)
    for name in ("a.mp4", "a.avi"):
        put(tmp_path / name)
    with pytest.raises(ValueError, match="same clip id 'a'"):
        build_index("mine", recordings(root=str(tmp_path)), layout)
