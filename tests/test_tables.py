"""Tables of labels: what a cell says, whose split a clip takes, and errors that name file and line."""

from __future__ import annotations

import math
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abaw_pipeline.datasets.index import listing_digest, read_clips, read_labels
from abaw_pipeline.datasets.tables import read_table
from abaw_pipeline.tasks import Kind, Task, use_tasks
from tests.affwild2_folder import annotate, index, put, reasons, settings
from tests.own_tasks import own_task

GAZE = own_task("gaze", "numbers", ("x", "y"), missing=-9)
MOOD = own_task("mood", "class", ("low", "mid", "high"), missing=-1)
RATED = own_task("rated", "intensities", ("effort",), level="clip")
CLIPS = ("a", "b", "314")
Labels = dict[str, dict[int, list[float]]]


@pytest.fixture(autouse=True)
def known() -> None:
    use_tasks([GAZE, MOOD, RATED])


def same(found: np.ndarray, expected: list[list[float]]) -> None:
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.float32(expected))


def test_frames_without_a_row_and_empty_cells_are_not_annotated(tmp_path: Path) -> None:
    text = "\ufeffframe, y ,x,clip\r\n3,-2.5,100,a\r\n\r\n1,,7,a\r\n2.0,5,-9,b\r\n"
    table = read_table(put(tmp_path / "t.csv", text), GAZE, CLIPS)
    assert list(table.rows) == ["a", "b"] and not table.splits
    same(table.rows["a"], [[7, math.nan], [math.nan, math.nan], [100, -2.5]])
    same(table.rows["b"], [[math.nan, math.nan], [math.nan, 5]])
    np.testing.assert_array_equal(GAZE.annotated(table.rows["a"]), [False, False, True])


def test_classes_go_by_name_or_by_number(tmp_path: Path) -> None:
    text = "clip,frame,mood\na,1,high\na,2,0\na,3,1.0\na,4,-1\na,5,\n"
    table = read_table(put(tmp_path / "t.csv", text), MOOD, CLIPS)
    same(table.rows["a"], [[2], [0], [1], [math.nan], [math.nan]])
    stars = own_task("stars", "class", ("1", "2", "3"))
    same(read_table(put(tmp_path / "s.csv", "clip,frame,stars\na,1,1\n"), stars, CLIPS).rows["a"], [[0]])
    with pytest.raises(ValueError, match=r"line 2: no class '0'"):
        read_table(put(tmp_path / "s.csv", "clip,frame,stars\na,1,0\n"), stars, CLIPS)


def test_a_label_per_clip_has_no_frame(tmp_path: Path) -> None:
    table = read_table(put(tmp_path / "t.csv", 'clip,effort,split\n"a",0.25,val\n314,1,\n'), RATED, CLIPS)
    same(table.rows["a"], [[0.25]])
    assert table.splits == {"a": "val"}


LINES = st.dictionaries(
    st.sampled_from(CLIPS),
    st.dictionaries(
        st.integers(1, 40),
        st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=2),
        min_size=1,
    ),
    min_size=1,
)


@given(LINES, st.randoms(), st.sampled_from(["\n", "\r\n"]))
def test_a_table_in_any_order_is_its_labels(labels: Labels, order: object, end: str) -> None:
    plain = own_task("gaze", "numbers", ("x", "y"))
    rows = [f"{x!r},{clip},{frame},{y!r}" for clip, frames in labels.items() for frame, (x, y) in frames.items()]
    order.shuffle(rows)  # type: ignore[attr-defined]
    with TemporaryDirectory() as folder:
        path = put(Path(folder) / "t.csv", end.join(["x,clip,frame,y", *rows, ""]))
        found = read_table(path, plain, CLIPS).rows
    assert found.keys() == labels.keys()
    for clip, frames in labels.items():
        assert len(found[clip]) == max(frames)
        known = np.flatnonzero(plain.annotated(found[clip])) + 1
        assert known.tolist() == sorted(frames)
        np.testing.assert_array_equal(found[clip][known - 1], np.float32([frames[i] for i in known]))


@pytest.mark.parametrize(
    ("task", "text", "message"),
    [
        (GAZE, "", "line 1: no column 'clip'; expected clip,frame,x,y and perhaps split"),
        (GAZE, "clip,frame,x\na,1,2\n", "line 1: no column 'y'"),
        (GAZE, "clip,frame,x,y,spilt\n", "line 1: unknown column 'spilt'; did you mean 'split'?"),
        (RATED, "clip,frame,effort\n", "line 1: unknown column 'frame'"),
        (GAZE, "clip,frame,x,y,x\n", "line 1: column 'x' stands twice"),
        (GAZE, "clip,frame,x,y\n", "line 2: no rows after the header"),
        (GAZE, "clip,frame,x,y\na,1,2\n", "line 2: 3 cells for 4 columns"),
        (GAZE, "clip,frame,x,y\n\n315,1,2,3\n", "line 3: the data set has no clip '315'; did you mean '314'?"),
        (GAZE, "clip,frame,x,y\na,0,2,3\n", "line 2: frame '0' is not a whole number from 1"),
        (GAZE, "clip,frame,x,y\na,1.5,2,3\n", "line 2: frame '1.5' is not"),
        (GAZE, "clip,frame,x,y\na,1e9,2,3\n", "line 2: frame '1e9' is not"),
        (GAZE, "clip,frame,x,y\na,1,2,3\nb,1,2,3\na,1,2,3\n", "line 4: frame 1 of clip 'a' stands twice"),
        (RATED, "clip,effort\na,1\na,1\n", "line 3: clip 'a' stands twice"),
        (GAZE, "clip,frame,x,y\na,1,2,three\n", "line 2: 'three' is not a number"),
        (GAZE, "clip,frame,x,y\na,1,nan,3\n", "line 2: 'nan' is not a number"),
        (GAZE, "clip,frame,x,y\na,1,1e300,3\n", "line 2: 1e+300 is none of the numbers"),
        (MOOD, "clip,frame,mood\na,1,2\na,2,3\n", "line 3: 3 is none of the whole numbers from 0 to 2"),
        (MOOD, "clip,frame,mood\na,1,hihg\n", "line 2: no class 'hihg'; did you mean 'high'?"),
        (RATED, "clip,effort\na,-0.1\n", "line 2: -0.1 is none of the numbers from 0 to 1"),
        (GAZE, "clip,frame,x,y,split\na,1,2,3,test2\n", "line 2: no split 'test2'; did you mean 'test'?"),
        (GAZE, "clip,frame,x,y,split\na,1,2,3,val\na,2,2,3,train\n", "line 3: clip 'a' is 'train' here"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_table_is_one_line(tmp_path: Path, task: Task, text: str, message: str) -> None:
    path = put(tmp_path / "t.csv", text)
    with pytest.raises(ValueError, match=rf"^{re.escape(f'{path}: {message}')}[^\n]*$"):
        read_table(path, task, CLIPS)


@pytest.mark.parametrize(
    ("kind", "good", "bad"), [("values", "-1", "1.01"), ("labels", "1", "0.5"), ("intensities", "0.5", "-1")]
)
def test_labels_keep_to_the_range_of_their_kind(tmp_path: Path, kind: Kind, good: str, bad: str) -> None:
    task = own_task("own", kind, ("x",))
    same(read_table(put(tmp_path / "a.csv", f"clip,frame,x\na,1,{good}\n"), task, CLIPS).rows["a"], [[float(good)]])
    with pytest.raises(ValueError, match="line 2"):
        read_table(put(tmp_path / "a.csv", f"clip,frame,x\na,1,{bad}\n"), task, CLIPS)


def test_a_clip_takes_the_split_of_its_other_tasks(root: Path) -> None:
    put(root / "gaze.csv", "clip,frame,x,y\n314,2,4,5\n139-14-720x480,1,1,1\n2-30-640x360,1,0,0\n")
    put(root / "mood.csv", "clip,frame,mood,split\n314,1,high,val\n")
    manifest, layout = index(root, tables={"gaze": "gaze.csv", "mood": "mood.csv"})
    splits = {clip.id: clip.splits for clip in read_clips(layout)}
    assert splits["314"] == {"va": "train", "gaze": "train", "mood": "val"}
    assert splits["139-14-720x480"] == {"va": "val", "gaze": "val"}
    assert splits["2-30-640x360"] == {"va": "test", "gaze": "test"}
    same(read_labels(layout, "gaze")["314"], [[math.nan, math.nan], [4, 5]])
    assert manifest.clips["314"]["labels"]["gaze"]["rows"] == 2 and not reasons(manifest)


def test_of_several_splits_training_counts(root: Path) -> None:
    folder = "EXPR_Classification_Challenge"
    annotate(root, "314", "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other\n3\n", "Validation_Set", folder)
    put(root / "gaze.csv", "clip,frame,x,y\n314,1,4,5\n")
    _, layout = index(root, tasks=["va", "expr"], tables={"gaze": "gaze.csv"})
    assert {clip.id: clip.splits for clip in read_clips(layout)}["314"]["gaze"] == "train"


def test_a_data_set_of_recordings_and_a_table_alone(root: Path) -> None:
    put(root / "mood.csv", "clip,frame,mood,split\n314,1,high,train\n139-14-720x480,1,low,val\n")
    alone = {"tasks": [], "test_lists": {}, "samples": {}, "tables": {"mood": "mood.csv"}}
    _, layout = index(root, **alone)
    assert {clip.id: clip.splits for clip in read_clips(layout)} == {
        "314": {"mood": "train"},
        "139-14-720x480": {"mood": "val"},
        "2-30-640x360": {},
    }
    put(root / "mood.csv", "clip,frame,mood\n314,1,high\n")
    with pytest.raises(ValueError, match=r"mood.csv: clip '314' has no split; add a column 'split'"):
        index(root, **alone)


def test_labels_of_a_table_that_is_gone_go_with_it(root: Path) -> None:
    put(root / "gaze.csv", "clip,frame,x,y\n314,1,4,5\n")
    _, layout = index(root, tables={"gaze": "gaze.csv"})
    assert layout.labels("gaze").is_file()
    use_tasks([])
    index(root)
    assert not layout.labels("gaze").exists() and layout.labels("va").is_file()


def test_a_plan_notices_a_table_that_changed_and_a_task_that_means_something_else(root: Path) -> None:
    put(root / "mood.csv", "clip,frame,mood\n314,1,1\n")
    given = settings(root, tables={"mood": "mood.csv"})
    seen = {listing_digest(settings(root)), listing_digest(given)}
    put(root / "mood.csv", "clip,frame,mood\n314,1,1\n314,2,1\n")
    seen.add(listing_digest(given))
    use_tasks([own_task("mood", "class", ("high", "mid", "low"))])
    seen.add(listing_digest(given))
    (root / "mood.csv").unlink()
    seen.add(listing_digest(given))
    assert len(seen) == 5
    with pytest.raises(ValueError, match=r"^datasets.aw.tables.mood: no file"):
        index(root, tables={"mood": "mood.csv"})
