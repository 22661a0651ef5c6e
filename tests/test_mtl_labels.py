"""Annotation files of the multi-task set: sparse frames, tasks valid on their own, frames with several rows."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abaw_pipeline.datasets.mtl_labels import read_mtl_labels
from abaw_pipeline.tasks import TASKS
from tests.affwild2_folder import put
from tests.s_affwild2_folder import HEADER, UNITS, row, text


def file(tmp_path: Path, *rows: str) -> Path:
    return put(tmp_path / "a.txt", text(*rows))


def annotated(path: Path, task: str, clip: str = "7") -> dict[int, list[float]]:
    """Values by frame of the frames that count."""
    rows = read_mtl_labels(path).labels[task][clip]
    return {int(at) + 1: rows[at].tolist() for at in np.flatnonzero(TASKS[task].annotated(rows))}


def test_every_task_of_a_sparse_frame_is_valid_on_its_own(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        row("7/00017.jpg", (0.25, -0.5), 4, UNITS),
        row("7/00001.jpg", expr=0),
        row("9/00003.jpg", (1, -1)),
        row("7/00008.jpg", au=UNITS),
    )
    labels = read_mtl_labels(path).labels
    assert {task: {clip: rows.shape for clip, rows in labels[task].items()} for task in labels} == {
        "va": {"7": (17, 2), "9": (3, 2)},
        "expr": {"7": (17, 1), "9": (3, 1)},
        "au": {"7": (17, 12), "9": (3, 12)},
    }
    assert all(rows.dtype == np.float32 for table in labels.values() for rows in table.values())
    assert annotated(path, "va") == {17: [0.25, -0.5]}
    assert annotated(path, "expr") == {1: [0], 17: [4]}
    assert annotated(path, "au") == {8: list(UNITS), 17: list(UNITS)}
    assert annotated(path, "expr", "9") == {}


def test_units_count_one_by_one(tmp_path: Path) -> None:
    rows = read_mtl_labels(file(tmp_path, row("7/00001.jpg", au=(1, -1) * 6))).labels["au"]["7"]
    np.testing.assert_array_equal(TASKS["au"].marks(rows), [[True, False] * 6])


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + text(row("7/00002.jpg", (0.5, 0), 1, UNITS)),
        text(row("7/00002.jpg", (0.5, 0), 1, UNITS)).replace("\n", "\r\n"),
        text(row("7/00002.jpg", (0.5, 0), 1, UNITS, end=",")),
        text(row(" 7/00002.jpg", (0.5, 0), 1, UNITS), header=HEADER + ","),
        text(row("7/00002.jpg", (0.5, 0), 1, UNITS), "", ""),
        text(row("7/00002.jpg", (0.5, 0), 1, UNITS), header=HEADER.replace("aus", ",".join(TASKS["au"].columns))),
        text("7/00002.jpg, 0.5, 0.0, 1.0, " + ", ".join(map(str, UNITS))),
    ],
    ids=["mark", "windows", "comma", "comma in the header", "empty lines", "units by name", "spaces"],
)
def test_files_are_read_by_position_whoever_wrote_them(tmp_path: Path, content: str) -> None:
    path = put(tmp_path / "a.txt", content)
    assert [annotated(path, task) for task in ("va", "expr", "au")] == [{2: [0.5, 0]}, {2: [1]}, {2: list(UNITS)}]
    assert not read_mtl_labels(path).notes


VALUES = st.floats(-1, 1, width=32)
ROWS = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b c", "ä_left"]), st.integers(1, 60)),
    st.tuples(
        st.tuples(VALUES, VALUES) | st.just((-5.0, -5.0)),
        st.integers(-1, 7),
        st.lists(st.integers(-1, 1), min_size=12, max_size=12),
    ),
    min_size=1,
)


@given(rows=ROWS, order=st.randoms())
def test_rows_come_back_at_their_frames_in_any_order(tmp_path_factory: pytest.TempPathFactory, rows, order) -> None:
    lines = [
        ",".join([f"{clip}/{frame:05d}.jpg", *map(repr, [*va, expr, *au])])
        for (clip, frame), (va, expr, au) in rows.items()
    ]
    order.shuffle(lines)
    labels = read_mtl_labels(put(tmp_path_factory.mktemp("mtl") / "a.txt", text(*lines))).labels
    found = {
        (clip, i + 1) for clip, table in labels["au"].items() for i in np.flatnonzero(~np.isnan(table).all(axis=1))
    }
    assert found == set(rows)
    for (clip, frame), said in rows.items():
        for task, values in zip(("va", "expr", "au"), said, strict=True):
            np.testing.assert_array_equal(labels[task][clip][frame - 1], np.float32(np.atleast_1d(values)))


def test_identical_rows_count_once_and_are_noted(tmp_path: Path) -> None:
    one, other = row("7/00001.jpg", (0.5, 0), 1), row("7/00008.jpg", expr=2)
    path = file(tmp_path, one, other, one, other, one)
    assert annotated(path, "va") == {1: [0.5, 0]} and annotated(path, "expr") == {1: [1], 8: [2]}
    (note,) = read_mtl_labels(path).notes
    assert (note.rank, note.where, note.clip) == ("note", f"{path}: line 4", "7")
    assert "frame 1, 8 has several rows that say the same" in note.what and "counts once" in note.then


def test_only_what_rows_contradict_each_other_in_is_left_unannotated(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        row("7/00001.jpg", (0.5, 0), 1, UNITS),
        row("7/00008.jpg", (0.5, 0), 3, UNITS),
        row("7/00001.jpg", (0.5, 0), 2, (1, *UNITS[1:])),
        row("7/00008.jpg", (0.5, 0.25), 3, UNITS),
        row("7/00001.jpg", (0.5, 0), 1, UNITS),
    )
    assert annotated(path, "va") == {1: [0.5, 0]} and annotated(path, "expr") == {8: [3]}
    marks = TASKS["au"].marks(read_mtl_labels(path).labels["au"]["7"])
    np.testing.assert_array_equal(marks[0], [False] + [True] * 11)
    assert marks[7].all()
    (note,) = read_mtl_labels(path).notes
    assert (note.rank, note.where) == ("warning", f"{path}: line 4") and "frame 1, 8" in note.what


def test_rows_that_annotate_different_tasks_are_joined(tmp_path: Path) -> None:
    path = file(tmp_path, row("7/00001.jpg", (0.5, 0)), row("7/00001.jpg", expr=2), row("7/00001.jpg", au=UNITS))
    assert [annotated(path, task) for task in ("va", "expr", "au")] == [{1: [0.5, 0]}, {1: [2]}, {1: list(UNITS)}]
    assert [(note.rank, note.then) for note in read_mtl_labels(path).notes] == [("note", "they are joined")]


def test_half_an_annotation_of_valence_and_arousal_is_none(tmp_path: Path) -> None:
    path = file(tmp_path, row("7/00001.jpg", (0.5, 0.5)), row("7/00002.jpg", (0.5, -5)), row("7/00003.jpg", (-5, 0)))
    assert annotated(path, "va") == {1: [0.5, 0.5]}
    (note,) = read_mtl_labels(path).notes
    assert (note.rank, note.where) == ("warning", f"{path}: line 3") and "frame 2, 3" in note.what
    assert not read_mtl_labels(path, ["expr"]).notes


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (row("7/00002.jpg", (1.5, 0)), "va '1.5,0' is not 2 comma-separated numbers from -1 to 1 (or -5)"),
        (row("7/00002.jpg", expr=8), "expr '8' is not one of the whole numbers from 0 to 7 (or -1)"),
        (row("7/00002.jpg", expr=0.5), "expr '0.5' is not"),
        (row("7/00002.jpg", au=(2, *UNITS[1:])), "au '2,1,0,"),
        (row("7/00002.jpg", (float("nan"), 0)), "va 'nan,0' is not"),
        (row("7/00002.jpg") + ",1", "is not an image and 15 numbers"),
        ("7/00002.jpg,0.5,0.5", "'7/00002.jpg,0.5,0.5' is not an image and 15 numbers"),
        (row("7/00002.jpg").replace("-5", "none"), "is not an image and 15 numbers"),
        (row("7/99999999.jpg"), "is not a frame from 1 to 10000000"),
    ],
)
def test_a_row_that_is_none_costs_its_clip_alone(tmp_path: Path, bad: str, message: str) -> None:
    path = file(tmp_path, row("7/00001.jpg", expr=2), bad, row("9/00001.jpg", expr=2))
    found = read_mtl_labels(path)
    assert list(found.faults) == ["7"] and found.faults["7"].startswith(f"{path}: line 3: ")
    assert message in found.faults["7"]
    assert {clip for table in found.labels.values() for clip in table} == {"9"}


def test_a_task_that_is_not_read_faults_nothing(tmp_path: Path) -> None:
    path = file(tmp_path, row("7/00001.jpg", (0.5, 0), 8))
    found = read_mtl_labels(path, ["va"])
    assert not found.faults and list(found.labels) == ["va"]


def test_rows_that_name_no_frame_are_left_out_and_noted(tmp_path: Path) -> None:
    path = file(tmp_path, row("7/00001.jpg", expr=2), row("7.jpg"), "", row("7/00000.jpg"), row("7/00002.jpg", expr=1))
    assert annotated(path, "expr") == {1: [2], 2: [1]}
    (note,) = read_mtl_labels(path).notes
    assert (note.rank, note.where) == ("warning", f"{path}: line 3")
    assert "3 rows name no frame" in note.what and "line 3, 4, 5" in note.what


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (text(row("7/00001.jpg"), header="image,arousal,valence,expression,aus"), "line 1: expected the header"),
        ("", "line 1: expected the header"),
        (row("7/00001.jpg"), "line 1: expected the header"),
        (text(), "line 2: no rows that name a frame"),
        (text("nothing", "at", "all"), "line 2: no rows that name a frame"),
        (text().encode() + b"\xff\xfe", "line 2: not UTF-8"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = put(tmp_path / "a.txt", content)
    with pytest.raises(ValueError, match=re.escape(f"{path}: {message}")):
        read_mtl_labels(path)
