"""Tables of clips and labels under any names: what is read, where it lands, and what is said of bad rows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from abaw_pipeline.datasets.index import build_index, listing_digest, read_clips, read_labels
from abaw_pipeline.datasets.probe import probe
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.tasks import TASKS, use_tasks
from tests.affwild2_folder import put
from tests.media_fixtures import write_crops
from tests.own_tasks import own_task
from tests.table_folder import CLIPS, folder, look, reasons, settings, texts

TIMED = {"file": "va.csv", "per": "time"}
VA = {"va": TIMED}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("table") / "data")


@pytest.fixture
def base(films: Path, tmp_path: Path) -> Path:
    """A copy that may be changed; the recordings are links."""
    put(tmp_path / "data" / "clips.csv", CLIPS)
    (tmp_path / "data" / "films").symlink_to(films / "films")
    return tmp_path / "data"


def test_clips_groups_and_splits_come_from_columns_of_any_name(base: Path) -> None:
    put(base / "va.csv", "clip,time,valence,arousal\n" + "".join(f"{clip},0.1,0,0\n" for clip in "abc"))
    layout = Layout(base.parent / "results", "mine")
    build_index("mine", settings(base, labels=VA), layout)
    clips = {clip.id: clip for clip in read_clips(layout)}
    assert {name: clip.splits for name, clip in clips.items()} == {
        "a": {"va": "train"},
        "b": {"va": "train"},
        "c": {"va": "val"},
        "d": {"va": "test"},
    }
    assert [clips[name].source for name in "abcd"] == ["p1", "p1", "p2", "p3"]
    assert read_labels(layout, "va").keys() == {"a", "b", "c"}


def test_one_rate_of_labels_meets_every_rate_of_pictures(base: Path) -> None:
    rows = [f"{time / 100:.2f}\t{time / 100}\t{clip}" for clip in "ab" for time in range(0, 60, 10)]
    put(base / "va.csv", "\n".join(["when\tV\tid", *rows]))
    columns = {"valence": "V", "arousal": "V"}
    table = {"file": "va.csv", "separator": "\t", "per": "time", "clip": "id", "time": "when", "columns": columns}
    found = look(base, labels={"va": table})
    for name, frames in {"a": 12, "b": 15}.items():
        shown = probe(str(base / "films" / f"{name}.mp4")).times
        assert len(shown) == frames
        np.testing.assert_allclose(found.labels["va"][name], np.stack([shown, shown], axis=1), atol=1e-6)


def test_milliseconds_classes_and_marks_under_other_names(base: Path) -> None:
    put(base / "e.csv", "clip,from,to,word\na,0,200,joy\na,200,240,?\na,240,1000,-99\na,400,440,Fear\nb,0,100,2\n")
    table = {"file": "e.csv", "per": "interval", "start": "from", "end": "to", "time_unit": "ms"}
    table |= {"columns": {"expr": "word"}, "classes": {"joy": "Happiness"}, "missing": ["?", -99]}
    found = look(base, labels={"expr": table})
    np.testing.assert_array_equal(found.labels["expr"]["a"][:, 0], [4] * 5 + [np.nan] * 7)
    np.testing.assert_array_equal(found.labels["expr"]["b"][:, 0], [2] * 3 + [np.nan] * 12)
    assert any("line 5: clip 'a': other labels than an earlier row" in text for text in texts(found))


def test_frames_may_count_from_zero(base: Path) -> None:
    put(base / "va.csv", "clip,frame,valence,arousal\na,0,0.1,0.2\na,2,0.3,0.4\n")
    found = look(base, labels={"va": {"file": "va.csv", "first_frame": 0}})
    np.testing.assert_array_equal(found.labels["va"]["a"], np.float32([[0.1, 0.2], [np.nan, np.nan], [0.3, 0.4]]))


def test_a_label_per_clip_is_one_row_or_that_of_every_frame(base: Path) -> None:
    use_tasks([own_task("mood", "class", ("low", "high"), level="clip")])
    put(base / "labels.csv", "clip,mood,expr\na,high,Anger\n")
    whole = {"file": "labels.csv", "per": "clip"}
    found = look(base, labels={"mood": whole, "expr": whole})
    np.testing.assert_array_equal(found.labels["mood"]["a"], [[1]])
    np.testing.assert_array_equal(found.labels["expr"]["a"], [[1]] * 12)


def test_paths_and_ids_may_be_made_of_several_columns(base: Path) -> None:
    put(base / "clips.csv", "film,part,set\na,1,train\nb,2,val\n")
    put(base / "va.csv", "film,part,time,valence,arousal\nb,2,0,1,1\na,1,0,1,1\n")
    names = {"clip": "{film}-{part}", "recording": "films/{film}.mp4", "group": "film"}
    found = look(base, clips=names, labels={"va": TIMED | {"clip": "{film}-{part}"}})
    assert [clip.id for clip in found.clips] == ["a-1", "b-2"] == sorted(found.labels["va"])


def test_crops_alone_go_by_their_rate(base: Path) -> None:
    write_crops(base / "crops" / "x", range(1, 4))
    put(base / "clips.csv", "name,folder,set,hz,seat\nx,crops/x,train,10,\ny,crops/x,train,,left\n")
    put(base / "va.csv", "clip,time,valence,arousal\nx,0.1,1,1\nx,0.2,0,0\ny,0.1,1,1\n")
    names = {"recording": None, "crops": "folder", "group": None, "rate": "hz", "side": "seat"}
    found = look(base, clips=names, labels=VA)
    np.testing.assert_array_equal(found.labels["va"]["x"][:, 0], [np.nan, 1, 0])
    assert "no pictures and no frame rate" in reasons(found)["y"]
    found = look(base, clips=names, labels=VA, rate=20)
    assert {clip.id: (clip.rate, clip.side) for clip in found.clips} == {"x": (10, None), "y": (20, "left")}
    np.testing.assert_array_equal(found.labels["va"]["y"][:, 0], [np.nan, np.nan, 1][: len(found.labels["va"]["y"])])


def test_recordings_of_one_name_in_several_folders_are_several(base: Path) -> None:
    put(base / "clips.csv", "name,film,set\na,films/a.mp4,train\nb,more/a.mp4,val\nc,films/a.mp4,val\n")
    (base / "more").symlink_to(base / "films")
    found = look(base, clips={"group": None})
    assert [clip.recording for clip in found.clips] == ["films/a", "more/a", "films/a"]


def test_rows_of_one_place_are_settled_and_told(base: Path) -> None:
    put(base / "va.csv", "clip,frame,valence,arousal\na,1,0,0\na,1,0,0\na,2,0,0\na,2,0,1\nb,1,1,1\n")
    found = look(base, labels={"va": {"file": "va.csv"}})
    np.testing.assert_array_equal(found.labels["va"]["a"], [[0, 0], [np.nan, np.nan]])
    ranks = {note.rank: note for note in found.notes if note.clip == "a"}
    assert "line 3 (as line 2)" in ranks["note"].where and "line 5 (as line 4)" in ranks["warning"].where
    np.testing.assert_array_equal(found.labels["va"]["b"], [[1, 1]])


def test_labels_outside_of_the_recording_are_told(base: Path) -> None:
    put(base / "va.csv", "clip,time,valence,arousal\n" + "".join(f"a,{t / 10},0,0\n" for t in range(-2, 9)))
    found = look(base, labels=VA)
    assert np.isfinite(found.labels["va"]["a"]).all() and len(found.labels["va"]["a"]) == 12
    assert any(re.search(r"va.csv: line 2, 3, 9 and 3 more: clip 'a': no frame", text) for text in texts(found))


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("a,0.1,2,0", "line 3: 2 is none of the numbers from -1 to 1"),
        ("a,0.1,x,0", "line 3: 'x' is not a number"),
        ("a,soon,0,0", "line 3: time 'soon' is not a number"),
    ],
)
def test_a_bad_row_costs_its_clip_alone(base: Path, row: str, fault: str) -> None:
    put(base / "va.csv", f"clip,time,valence,arousal\nb,0,0,0\n{row}\nc,0,0,0\n")
    found = look(base, labels=VA)
    assert reasons(found) == {"a": f"{base / 'va.csv'}: {fault}"}
    assert found.labels["va"].keys() == {"b", "c"} and [clip.id for clip in found.clips] == ["b", "c", "d"]


def test_other_bad_rows_are_left_out_and_told(base: Path) -> None:
    put(base / "va.csv", "clip,time,valence,arousal\nzz,0,0,0\nzz,1,0,0\na,0,0\na,0,0,0\n")
    put(base / "clips.csv", CLIPS + ",films/a.mp4,train,p1\na,films/a.mp4,train,p1\n")
    found = look(base, labels=VA)
    assert not found.skipped
    for text in (
        "va.csv: line 2: 2 rows of a clip 'zz', which the table of clips does not list",
        "va.csv: line 4: 3 cells for 4 columns",
        "clips.csv: line 6: no name of a clip",
        "clips.csv: line 7: clip 'a' again, as in line 2",
    ):
        assert any(text in told for told in texts(found))


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("a,films/b.mp4,train,p1", "line 6: clip 'a' stands in line 2 with other content"),
        ("e,films/e.mp4,train,p1", "line 6: no recording {base}/films/e.mp4"),
        ("e,,train,p1", "line 6: neither a recording nor crops"),
        ("e,films/a.mp4,dev,p1", "line 6: no split 'dev'"),
    ],
)
def test_a_bad_row_of_the_table_of_clips_costs_its_clip_alone(base: Path, row: str, fault: str) -> None:
    put(base / "clips.csv", f"{CLIPS}{row}\n")
    found = look(base)
    assert list(reasons(found)) == [row[0]] and fault.format(base=base) in reasons(found)[row[0]]
    assert {clip.id for clip in found.clips} == set("abcd") - {row[0]}


def test_a_clip_in_two_splits_refuses_the_data_set(base: Path) -> None:
    put(base / "clips.csv", CLIPS + "a,films/a.mp4,val,p1\n")
    assert re.search(r"clips.csv: line 6: clip 'a' is 'val', and 'train' in line 2", look(base).refused[0])
    put(base / "clips.csv", CLIPS)
    put(base / "va.csv", "clip,time,valence,arousal\na,0,0,0\n")
    put(base / "sample.txt", "image_location,valence,arousal\na/00001.jpg,0,0\nq/00001.jpg,0,0\n")
    found = look(base, labels=VA, samples={"va": "sample.txt"})
    assert "a (va: test, train)" in found.refused[0]
    assert "sample.txt asks for it" in reasons(found)["q"]


def test_labels_need_a_split_and_a_group_across_splits_is_told(base: Path) -> None:
    put(base / "va.csv", "clip,time,valence,arousal\na,0,0,0\n")
    assert "va.csv: clips without a split" in look(base, clips={"split": None}, labels=VA).refused[0]
    put(base / "clips.csv", CLIPS.replace("val,p2", "val,p1"))
    assert any("group 'p1' has clips in train and val" in text for text in texts(look(base)))


def test_a_split_of_a_task_comes_before_that_of_the_clip(base: Path) -> None:
    put(base / "va.csv", "clip,time,valence,arousal,fold\na,0,0,0,val\nb,0,0,0,\n")
    found = look(base, labels={"va": TIMED | {"split": "fold"}})
    assert {clip.id: clip.splits for clip in found.clips if clip.splits} == {
        "a": {"va": "val"},
        "b": {"va": "train"},
        "d": {"va": "test"},
    }


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"clips": {"group": "woh"}}, "clips.csv: line 1: no column 'woh' (setting 'group'); did you mean 'who'?"),
        ({"clips": {"file": "x.csv"}}, "datasets.mine.clips.file: no file"),
        ({"labels": {"va": {"file": "x.csv"}}}, "datasets.mine.labels.va.file: no file"),
        ({"labels": {"va": {"file": "clips.csv", "clip": "name"}}}, "line 1: no column 'frame' (setting 'frame')"),
        ({"clips": {"recording": None}}, "name the column of 'recording', of 'crops', or of both"),
        ({"labels": {"vaa": TIMED}}, "labels: no task 'vaa'"),
        ({"labels": {"eri": TIMED}}, "labels.eri.per: 'eri' has one label per clip; write per: clip"),
        ({"labels": {"va": TIMED | {"columns": {"v": "V"}}}}, "labels.va.columns: no 'v'"),
        ({"labels": {"expr": TIMED | {"classes": {"joy": "Joy"}}}}, "labels.expr.classes: no class 'Joy'"),
        ({"tables": {"va": "va.csv"}}, "tables of this adapter stand under 'labels'"),
    ],
)
def test_settings_that_do_not_fit_are_one_line(base: Path, more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        look(base, **more)
    assert "\n" not in str(caught.value)


def test_a_plan_notices_tables_and_the_folders_they_name(base: Path) -> None:
    put(base / "va.csv", "clip,time,valence,arousal\na,0,0,0\n")
    given = settings(base, labels=VA)
    assert "films" in given.watched
    before = listing_digest(given)
    put(base / "va.csv", "clip,time,valence,arousal\na,0,0,0\na,0.1,0,0\n")
    assert listing_digest(given) != before
    assert set(given.labelled) == {"va"} <= TASKS.keys()
