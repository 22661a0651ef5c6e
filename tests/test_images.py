"""Lists of labelled pictures: what each layout says, what is left out, and bundles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abaw_pipeline.datasets.base import DataSet
from abaw_pipeline.datasets.image_layouts import majority
from abaw_pipeline.datasets.index import build_index, index_entries, listing_digest, look, read_clips, read_labels
from abaw_pipeline.demo.corpus import write_corpus
from abaw_pipeline.demo.images import NAMES
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.tasks import TASKS
from tests.affwild2_folder import put
from tests.image_folders import found, listed, raf, settings, shade

EXPR, CE = TASKS["expr"].columns, TASKS["ce"].columns


def named(data: DataSet, task: str = "expr") -> dict[str, str]:
    """Class by name of the picture, of those that have one."""
    return {
        Path(still).name: TASKS[task].columns[int(label)]
        for clip in data.clips
        for still, (label,) in zip(clip.stills, data.labels[task][clip.id], strict=True)
        if np.isfinite(label)
    }


def splits(data: DataSet) -> dict[str, str]:
    return {Path(still).name: next(iter(clip.splits.values())) for clip in data.clips for still in clip.stills}


def test_rafdb_basic(tmp_path: Path) -> None:
    data = found(raf(tmp_path, [f"train_{i:05d}.jpg {i}" for i in range(1, 8)] + ["test_0001.jpg 4"]), layout="rafdb")
    meant = ("Surprise", "Fear", "Disgust", "Happiness", "Sadness", "Anger", "Neutral")
    train = {f"train_{i:05d}_aligned.jpg": name for i, name in enumerate(meant, 1)}
    assert named(data) == train | {"test_0001_aligned.jpg": "Happiness"}
    assert splits(data) == dict.fromkeys(train, "train") | {"test_0001_aligned.jpg": "val"}
    assert not data.notes and not data.refused and [clip.id for clip in data.clips] == ["train_0001", "val_0001"]


def test_rafdb_original_pictures(tmp_path: Path) -> None:
    raf(tmp_path, ["train_00001.jpg 1"])
    shade(tmp_path / "Image/original/train_00001.jpg", 9)
    assert list(named(found(tmp_path, layout="rafdb", images="Image/original"))) == ["train_00001.jpg"]


def test_the_seven_compounds_of_rafdb_are_ours_and_the_other_four_left_out(tmp_path: Path) -> None:
    data = found(raf(tmp_path, [f"train_{i:04d}.jpg {i}" for i in range(1, 12)]), layout="rafdb_compound")
    kept = {int(name.split("_")[1]): label for name, label in named(data, "ce").items()}
    assert kept == {
        **{1: "Happily_Surprised", 3: "Sadly_Fearful", 4: "Sadly_Angry", 5: "Sadly_Surprised"},
        **{8: "Fearfully_Surprised", 9: "Angrily_Surprised", 11: "Disgustedly_Surprised"},
    }
    assert set(kept.values()) == set(CE)
    (note,) = data.notes
    assert note.rank == "note" and "list_patition_label.txt: line 2" in note.text and "3 more rows" in note.text


def affectnet_csv(root: Path) -> None:
    head = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n"
    rows = [f"1/a{label}.jpg,0,0,9,9,1;2,{label},0.5,-0.25\n" for label in range(8)] + ["1/a9.jpg,0,0,9,9,,9,-2,-2\n"]
    put(root / "training.csv", head + "".join(rows))
    put(root / "validation.csv", "1/b.jpg,0,0,9,9,1;2,1,1,1\n")  # its makers left out the header
    for name in [f"a{label}" for label in (*range(8), 9)] + ["b"]:
        shade(root / f"Manually_Annotated_Images/1/{name}.jpg", len(name))


def affectnet_arrays(root: Path) -> None:
    for name, place, values in [(f"a{i}", "train_set", (i, 0.5, -0.25)) for i in range(8)] + [
        ("a9", "train_set", (9, -2, -2)),
        ("b", "val_set", (1, 1, 1)),
    ]:
        shade(root / place / f"images/{name}.jpg", 3)
        for part, value in zip(("exp", "val", "aro"), values, strict=True):
            (root / place / "annotations").mkdir(parents=True, exist_ok=True)
            np.save(root / place / f"annotations/{name}_{part}.npy", str(value))


@pytest.mark.parametrize("write", [affectnet_csv, affectnet_arrays])
def test_both_releases_of_affectnet(tmp_path: Path, write: Callable[[Path], None]) -> None:
    write(tmp_path)
    data = found(tmp_path, layout="affectnet")
    assert data.labels.keys() == {"expr", "va"} and not data.refused
    meant = ("Neutral", "Happiness", "Sadness", "Surprise", "Fear", "Disgust", "Anger")
    expressions, values = data.labels["expr"]["train_0001"][:, 0], data.labels["va"]["train_0001"]
    assert [EXPR[int(label)] for label in expressions[:7]] == list(meant)
    assert np.isnan(expressions[7]), "contempt is none of ours, but valence and arousal stay"
    np.testing.assert_array_equal(values, np.tile(np.float32([0.5, -0.25]), (8, 1)))
    assert named(data)["b.jpg"] == "Happiness" and splits(data)["b.jpg"] == "val"
    assert named(found(tmp_path, layout="affectnet", tasks=["expr"], classes={7: "Other"}))["a7.jpg"] == "Other"


def test_a_label_array_that_is_none_is_told_by_its_file(tmp_path: Path) -> None:
    affectnet_arrays(tmp_path)
    put(tmp_path / "train_set/annotations/a3_val.npy", b"\x93NUMPY broken")
    data = found(tmp_path, layout="affectnet")
    assert f"{tmp_path}/train_set/annotations/a3_exp.npy: one of its label arrays is missing" in data.notes[0].text


@pytest.mark.parametrize(
    ("votes", "meant"),
    [
        ({"neutral": 6, "fear": 4}, "neutral"),
        ({"neutral": 5, "fear": 5}, ""),
        ({"neutral": 4, "fear": 2, "anger": 1, "sadness": 1, "disgust": 1, "NF": 1}, "neutral"),
        ({"unknown": 8, "fear": 2}, "unknown"),
        ({"fear": 1}, ""),
    ],
)
def test_more_than_half_of_the_votes_decide(votes: dict[str, int], meant: str) -> None:
    assert majority(votes) == meant


def test_ferplus(tmp_path: Path) -> None:
    head = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
    rows = [
        "Training,a.png,0,10,0,0,0,0,0,0,0,0",
        "PublicTest,b.png,0,0,0,2,8,0,0,0,0,0",
        "Training,,0,0,0,0,0,0,0,0,0,10",
    ]
    rows += ["PrivateTest,c.png,5,5,0,0,0,0,0,0,0,0", "Training,d.png,0,0,0,0,0,0,0,9,1,0"]
    put(tmp_path / "fer2013new.csv", head + "\n".join(rows))
    for name in ("FER2013Train/a.png", "FER2013Valid/b.png", "FER2013Test/c.png", "FER2013Train/d.png"):
        shade(tmp_path / name, 5, side=48)
    data = found(tmp_path, layout="ferplus")
    assert splits(data) == {"a.png": "train", "b.png": "val", "c.png": "test"}
    assert data.labels["expr"]["train_0001"].tolist() == [[4]] and data.labels["expr"]["val_0001"].tolist() == [[1]]
    assert np.isnan(data.labels["expr"]["test_0001"]).all() and "line 6: no label" in data.notes[0].text


def test_a_list_of_the_users_own(tmp_path: Path) -> None:
    data = listed(
        tmp_path,
        "mood,file,valence,arousal,who,part",
        *("joy,p1.jpg,0.5,1,ann,train", "Sadness,p2.jpg,,,ann,train"),
        *("none,p3.jpg,-1,-1,bob,val", "nothing,p4.jpg,,,bob,val"),
        tasks=["expr", "va"],
        columns={"path": "file", "expr": "mood", "group": "who", "split": "part"},
        classes={"joy": "Happiness", "none": "Neutral", "nothing": None},
    )
    assert splits(data) == {"p1.jpg": "train", "p2.jpg": "train", "p3.jpg": "val"}
    assert {clip.id: clip.splits for clip in data.clips} == {
        f"{split}_0001": {"expr": split, "va": split} for split in ("train", "val")
    }
    np.testing.assert_array_equal(data.labels["expr"]["train_0001"], [[4], [5]])
    np.testing.assert_array_equal(data.labels["va"]["train_0001"], np.float32([[0.5, 1], [np.nan, np.nan]]))
    assert data.labels["va"]["val_0001"].tolist() == [[-1, -1]]
    assert [note.text for note in data.notes] == [
        f"{tmp_path}/labels.csv: line 5: no label that is one of ours; left out"
    ]


def test_numbers_and_our_own_names_need_no_classes(tmp_path: Path) -> None:
    data = listed(tmp_path, "path,expr", "p1.jpg,3", "p2.jpg,Surprise", "p3.jpg,-1", split="val")
    assert named(data) == {"p1.jpg": "Fear", "p2.jpg": "Surprise"} and set(splits(data).values()) == {"val"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (("p1.jpg,0", "away.jpg,1", "p2.jpg,1"), "line 3: no such picture; left out"),
        (("p1.jpg,0", "p2.jpg,8"), "line 3: '8' is none of the whole numbers from 0 to 7; left out"),
        (("p1.jpg,0", "p1.jpg,0"), "line 3: a picture that was listed before; left out"),
        (("p1.jpg,0", "p2.jpg,", "p1.jpg,1"), "line 4: a picture that was listed before, with other labels; left out"),
    ],
)
def test_a_bad_row_is_left_out_and_told_by_its_line(tmp_path: Path, rows: tuple[str, ...], told: str) -> None:
    data = listed(tmp_path, "path,expr", *rows)
    assert any(f"{tmp_path}/labels.csv: {told}" in note.text for note in data.notes), [n.text for n in data.notes]
    assert named(data).get("p1.jpg") == "Neutral"


def test_a_class_that_nobody_knows_stops_the_index(tmp_path: Path) -> None:
    data = listed(tmp_path, "path,expr", "p1.jpg,glad", "p2.jpg,odd", "p3.jpg,odd", classes={"glad": "Happiness"})
    (line,) = data.refused
    assert line.startswith(f"{tmp_path}/labels.csv: line 3: no class 'odd'; say in datasets.pics.classes")
    chosen = settings(tmp_path, list_file="labels.csv", tasks=["expr"], classes={"glad": "Happiness"})
    with pytest.raises(ValueError, match="no class 'odd'"):
        build_index("pics", chosen, Layout(tmp_path / "results", "pics"))


def test_a_name_that_is_no_class_stops_it_where_nothing_is_said_of_classes(tmp_path: Path) -> None:
    assert "line 3: no class 'dull'" in listed(tmp_path, "path,expr", "p1.jpg,0", "p2.jpg,dull").refused[0]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"layout": "list"}, "give 'list_file' and 'tasks'"),
        ({"layout": "rafdb", "tasks": ["va"]}, "no labels of 'va' in this layout"),
        ({"layout": "rafdb", "columns": {"path": "file"}}, "columns: the layout 'rafdb' has its own"),
        ({"layout": "rafdb", "tables": {"va": "x.csv"}}, "stills have their labels in the list alone"),
        ({"layout": "rafbd"}, "layout"),
    ],
)
def test_wrong_settings(tmp_path: Path, more: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        settings(tmp_path, **more)


def test_a_column_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"labels\.csv: line 1: no column 'emotion'; there are path, expr"):
        listed(tmp_path, "path,expr", "p1.jpg,0", columns={"expr": "emotion"})


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 12))
def test_bundles_hold_every_still_once_and_keep_groups_together(people: list[int], most: int) -> None:
    rows = [f"p{number}.jpg,0,{person or ''}" for number, person in enumerate(people)]
    with TemporaryDirectory() as folder:
        data = listed(Path(folder), "path,expr,group", *rows, bundle=most)
    bundles = [[people[int(Path(still).stem[1:])] for still in clip.stills] for clip in data.clips]
    assert sorted(person for bundle in bundles for person in bundle) == sorted(people)
    assert all(1 <= len(bundle) <= most for bundle in bundles)
    for clip, bundle in zip(data.clips, bundles, strict=True):
        assert len(data.labels["expr"][clip.id]) == len(bundle)
        assert clip.source == (str(bundle[0]) if 0 < people.count(bundle[0]) > most and bundle[0] else clip.id)
    for person in set(people) - {0}:
        assert len({clip.source for clip, bundle in zip(data.clips, bundles, strict=True) if person in bundle}) == 1


def test_the_index_knows_stills_by_their_content(tmp_path: Path) -> None:
    listed(tmp_path / "data", "path,expr", "p1.jpg,0", "p2.jpg,1")
    layout, chosen = (
        Layout(tmp_path / "results", "pics"),
        settings(tmp_path / "data", list_file="labels.csv", tasks=["expr"]),
    )
    build_index("pics", chosen, layout)
    listing = listing_digest(chosen)
    (clip,) = read_clips(layout)
    assert [Path(still).name for still in clip.stills] == ["p1.jpg", "p2.jpg"] and isinstance(clip.stills, tuple)
    np.testing.assert_array_equal(read_labels(layout, "expr")["train_0001"], [[0], [1]])
    assert index_entries(look("pics", chosen, layout)) == Manifest.read(layout.clips, "abaw index").clips
    shade(tmp_path / "data/p2.jpg", 77)
    assert listing_digest(chosen) != listing
    assert build_index("pics", chosen, layout).clips["train_0001"]["digest"] != clip.digest


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("stills") / "corpus"
    write_corpus(root, 4, 1, layout="images", seconds=(2.0, 3.0), workers=1)
    return root


def test_the_built_in_stills_in_both_layouts(corpus: Path) -> None:
    raf_db = named(found(corpus, layout="rafdb"))
    own = found(
        corpus,
        list_file="labels.csv",
        images="Image",
        tasks=["expr", "va", "au"],
        columns={"path": "file", "expr": "feeling", "split": "subset", "group": "person"},
        classes=dict(zip(NAMES, EXPR, strict=True)),
    )
    assert not own.refused and len(raf_db) > 10
    assert raf_db.items() <= named(own).items()
    assert [note.what for note in own.notes] == ["no such picture", "a picture that was listed before"]
    assert sum(still.endswith(".png") for clip in own.clips for still in clip.stills) == 4
    assert {name: split for name, split in splits(own).items() if name.startswith("test_")}.keys() >= {"test_004.png"}
