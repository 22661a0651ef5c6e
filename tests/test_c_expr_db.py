"""C-EXPR-DB: which clips there are, which are test clips, labels of a user's own, and the made-up data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from abaw_pipeline.datasets.c_expr_db import CExprDbSettings
from abaw_pipeline.datasets.index import build_index, read_clips, read_labels, read_sample
from abaw_pipeline.datasets.listing import listing_digest
from abaw_pipeline.demo.corpus import write_corpus
from abaw_pipeline.demo.signals import compound_expressions, draw_arousal, draw_emotion
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.strict import parse
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS
from abaw_pipeline.types import Clip
from tests.affwild2_folder import put, reasons

SAMPLE = {"samples": {"ce": "sample.txt"}}
TABLE = {"tables": {"ce": "ce.csv"}}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Three clips: with recording and crops, with a recording, with crops; the sample asks for the first."""
    root = tmp_path / "data"
    put(root / "videos" / "01.mp4")
    put(root / "videos" / "02.avi", b"another")
    for clip in ("01", "03"):
        put(root / "cropped_aligned" / clip / "00001.jpg")
    sample(root, "01")
    return root


def sample(root: Path, *clips: str) -> None:
    rows = "".join(f"{clip}/00001.jpg,0\n{clip}/00002.jpg,\n" for clip in clips)
    put(root / "sample.txt", f"{TRACKS['ce'].header}\n{rows}")


def settings(root: Path, **more: object) -> CExprDbSettings:
    return parse(CExprDbSettings, {"adapter": "c_expr_db", "root": str(root), **more}, "config.yaml")


def index(root: Path, **more: object) -> tuple[Manifest, Layout]:
    layout = Layout(root.parent / "results", "ce")
    return build_index("ce", settings(root, **more), layout), layout


def clips_of(root: Path, **more: object) -> dict[str, Clip]:
    return {clip.id: clip for clip in read_clips(index(root, **more)[1])}


def test_the_sample_says_which_clips_are_test_clips(base: Path) -> None:
    clips = clips_of(base, **SAMPLE)
    assert {name: clip.splits for name, clip in clips.items()} == {"01": {"ce": "test"}, "02": {}, "03": {}}
    assert clips["01"].video == str(base / "videos/01.mp4") and clips["01"].crops == str(base / "cropped_aligned/01")
    assert clips["02"].crops is None and clips["03"].video is None
    assert read_sample(Layout(base.parent / "results", "ce"), "ce") == [("01", 1), ("01", 2)]


def test_without_a_sample_every_clip_without_a_label_is_a_test_clip(base: Path) -> None:
    put(base / "ce.csv", "clip,frame,ce,split\n02,3,Sadly_Angry,train\n02,1,0,train\n")
    assert {name: clip.splits["ce"] for name, clip in clips_of(base, **TABLE).items()} == {
        **{"01": "test", "02": "train", "03": "test"}
    }
    np.testing.assert_array_equal(
        read_labels(Layout(base.parent / "results", "ce"), "ce")["02"], np.float32([[0], [np.nan], [6]])
    )


def test_a_clip_cannot_be_asked_for_and_be_trained_on(base: Path) -> None:
    put(base / "ce.csv", "clip,frame,ce,split\n01,1,0,train\n")
    with pytest.raises(ValueError, match=r"more than one split of a task.*: 01 \(ce: test, train\)"):
        index(base, **SAMPLE, **TABLE)


def test_labels_of_test_clips_are_taken_for_what_they_are(base: Path) -> None:
    put(base / "ce.csv", "clip,frame,ce\n01,1,2\n")
    assert clips_of(base, **SAMPLE, **TABLE)["01"].splits == {"ce": "test"}


def test_a_recording_of_two_people_is_no_clip_of_its_own(base: Path) -> None:
    put(base / "videos" / "04.mp4")
    for side in ("left", "right"):
        put(base / "cropped_aligned" / f"04_{side}" / "00001.jpg")
    clips = clips_of(base)
    assert "04" not in clips
    assert {clips[f"04_{side}"].video for side in ("left", "right")} == {str(base / "videos/04.mp4")}
    assert (clips["04_left"].side, clips["04_left"].source) == ("left", "04")


def test_two_recordings_of_one_stem_in_two_folders_are_left_out_with_one_line(base: Path) -> None:
    put(base / "more" / "01.mp4")
    manifest, _ = index(base, recordings=["videos", "more"], **SAMPLE)
    assert set(reasons(manifest)) == {"01"}
    assert "2 recordings of one name, keep one" in reasons(manifest)["01"]
    assert str(base / "more/01.mp4") in reasons(manifest)["01"]


def test_a_clip_that_is_asked_for_and_not_there_is_reported(base: Path) -> None:
    sample(base, "01", "09")
    assert reasons(index(base, **SAMPLE)[0]) == {
        "09": "neither a recording '09' nor a crop folder '09' in the data set's folders"
    }


def test_the_rate_of_crops_without_a_recording(base: Path) -> None:
    put(base / "cropped_aligned" / "05-30-640x360" / "00001.jpg")
    clips = clips_of(base, rate=25)
    assert (clips["01"].rate, clips["03"].rate, clips["05-30-640x360"].rate) == (None, 25, 30)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"recordings": ["films"]}, r"datasets\.ce\.recordings: no folder .*films"),
        ({"crops": ["faces"]}, r"datasets\.ce\.crops: no folder .*faces"),
        ({"samples": {"ce": "none.txt"}}, r"datasets\.ce\.samples\.ce: no file .*none\.txt"),
        ({"tables": {"ce": "none.csv"}}, r"datasets\.ce\.tables\.ce: no file .*none\.csv"),
        ({"root": "/no/such/place"}, r"datasets\.ce\.root: no folder /no/such/place"),
    ],
)
def test_missing_data_names_path_and_setting(base: Path, more: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        index(base, **more)


def test_a_change_of_the_folders_is_seen(base: Path) -> None:
    given = settings(base, **SAMPLE)
    seen = {listing_digest(given)}
    for path in ("videos/06.mp4", "cropped_aligned/06/00001.jpg", "sample.txt"):
        put(base / path, "another content")
        seen.add(listing_digest(given))
    assert len(seen) == 4


# the made-up data set


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo") / "corpus"
    write_corpus(root, 8, 0, layout="c_expr_db", seconds=(0.7, 1.0), workers=1)
    return root


def test_the_made_up_data_set_holds_its_hard_cases(made: Path) -> None:
    layout = Layout(made.parent / "results", "ce")
    more = {"tables": {"ce": "ce_labels.csv"}, "samples": {"ce": "sample_submission/ce.txt"}}
    manifest = build_index("ce", settings(made, **more), layout)
    clips = {clip.id: clip for clip in read_clips(layout)}
    assert len(clips) == 8 and not manifest.skipped
    tests = {name for name, clip in clips.items() if clip.splits["ce"] == "test"}
    assert any(not name.isascii() and " " in name for name in tests)
    assert {path.stem for path in (made / "truth" / "ce").iterdir()} == tests
    sampled = read_sample(layout, "ce")
    assert any(sum(name == clip for name, _ in sampled) == 1 for clip in tests)
    assert [name for name, clip in clips.items() if clip.crops is None and clip.splits["ce"] == "train"]
    assert read_labels(layout, "ce").keys() == clips.keys() - tests
    cells = {line.split(",")[2] for line in (made / "ce_labels.csv").read_text().splitlines()[1:]}
    assert cells & {*TASKS["ce"].columns} and cells & {*map(str, range(7))}


def test_made_up_people_show_every_compound_expression_about_as_often() -> None:
    rng = np.random.default_rng(0)
    emotions = [draw_emotion(rng, draw_arousal(rng, 8.0), 8.0) for _ in range(30)]
    valence, arousal = (np.concatenate([getattr(e, name) for e in emotions]) for name in ("valence", "arousal"))
    found = compound_expressions(valence, arousal)
    share = np.bincount(found[found >= 0], minlength=7) / (found >= 0).sum()
    assert len(share) == len(TASKS["ce"].columns) and share.min() > 0.05 and share.max() < 0.35
