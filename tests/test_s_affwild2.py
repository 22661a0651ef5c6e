"""The multi-task set as a data set: splits per task, clips with crops alone, what is skipped, noted and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from abaw_pipeline.datasets.index import build_index, listing_digest, read_clips, read_labels, read_sample
from abaw_pipeline.datasets.s_affwild2 import find
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from tests.affwild2_folder import put, reasons
from tests.s_affwild2_folder import UNITS, folder, row, settings, text


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return folder(tmp_path / "data")


def index(base: Path, **more: object) -> tuple[Manifest, Layout]:
    layout = Layout(base.parent / "results", "mtl")
    return build_index("mtl", settings(base, **more), layout), layout


def test_clips_with_their_splits_crops_and_rates(base: Path) -> None:
    manifest, layout = index(base)
    clips = {clip.id: clip for clip in read_clips(layout)}
    assert list(clips) == ["7", "8-14-640x360", "99_left"] and not manifest.skipped
    splits = {"7": "train", "8-14-640x360": "val", "99_left": "test"}
    assert {name: clip.splits for name, clip in clips.items()} == {
        name: dict.fromkeys(("au", "expr", "va"), split) for name, split in splits.items()
    }
    assert {name: (clip.video is None, clip.rate) for name, clip in clips.items()} == {
        "7": (False, None),
        "8-14-640x360": (True, 14),
        "99_left": (True, 30),
    }
    assert (clips["99_left"].recording, clips["99_left"].side) == ("99", "left")
    assert read_sample(layout, "mtl") == [("99_left", 4), ("99_left", 12)]
    for task, shape in (("va", (9, 2)), ("expr", (9, 1)), ("au", (9, 12))):
        labels = read_labels(layout, task)
        assert set(labels) == {"7", "8-14-640x360"} and labels["8-14-640x360"].shape == shape


def test_recordings_alone_do(base: Path) -> None:
    put(base / "batch2" / "99.mp4")
    manifest, layout = index(base, crops=[])
    assert [clip.id for clip in read_clips(layout)] == ["7", "99_left"]
    assert "neither a recording" in reasons(manifest)["8-14-640x360"]


def test_a_subset_of_the_tasks(base: Path) -> None:
    found = find(settings(base, tasks=["expr"]), "datasets.mtl")
    assert list(found.labels) == ["expr"] and found.clips[0].splits == {"expr": "train"}
    put(
        base / "units.csv",
        "clip,frame,"
        + ",".join(f"AU{n}" for n in (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26))
        + "\n7,2,"
        + ",".join(map(str, UNITS))
        + "\n",
    )
    found = find(settings(base, tasks=["expr"], tables={"au": "units.csv"}), "datasets.mtl")
    assert found.labels["au"]["7"].shape == (2, 12) and found.clips[0].splits == {"au": "train", "expr": "train"}
    with pytest.raises(ValueError, match="tables: 'au' is also under 'tasks'"):
        settings(base, tables={"au": "units.csv"})


def test_a_bad_row_skips_its_clip_with_file_and_line(tmp_path: Path) -> None:
    base = folder(tmp_path / "data", val=[row("9/00001.jpg", expr=9)])
    put(base / "cropped_aligned" / "9" / "00001.jpg")
    manifest, layout = index(base)
    assert list(reasons(manifest)) == ["9"]
    assert reasons(manifest)["9"].startswith(f"{base / 'validation_set_annotations.txt'}: line 3: expr '9' is not")
    assert "9" not in read_labels(layout, "va")
    with pytest.raises(ValueError, match=r"on_bad_clip.*line 3"):
        index(base, on_bad_clip="stop")


def test_what_was_settled_is_noted_in_the_index(tmp_path: Path) -> None:
    base = folder(tmp_path / "data", train=[row("7/00001.jpg", (0.5, -0.5), 4, UNITS)])
    manifest, layout = index(base)
    (note,) = manifest.clips["7"]["notes"]
    assert note.startswith(
        f"{base / 'training_set_annotations.txt'}: line 3: 7: frame 1 has several rows that contradict"
    )
    assert manifest.clips["8-14-640x360"]["notes"] == []
    assert json.loads(layout.clips.read_text())["clips"]["7"]["notes"] == [note]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"val": [row("7/00003.jpg", expr=1)]}, "7 (va: train, val)"),
        ({"train": [row("99_left/00003.jpg", expr=1)]}, "99_left (va: test, train)"),
    ],
)
def test_a_clip_in_two_splits_is_refused(tmp_path: Path, more: dict[str, list[str]], said: str) -> None:
    base = folder(tmp_path / "data", **more)
    (refused,) = find(settings(base), "datasets.mtl").refused
    assert "more than one split" in refused and said in refused
    with pytest.raises(ValueError, match="more than one split"):
        index(base)


def test_all_files_that_are_none_are_told_together(base: Path) -> None:
    paths = [base / f"{name}_set_annotations.txt" for name in ("training", "validation")]
    for path in paths:
        put(path, text(row("7/00001.jpg"), header="valence,arousal"))
    found = find(settings(base), "datasets.mtl")
    assert [line.split(": ")[:2] for line in found.refused] == [[str(path), "line 1"] for path in paths]
    with pytest.raises(ValueError, match=r"training_set_annotations\.txt: line 1: expected the header"):
        index(base)


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"root": "/no/such/place"}, r"datasets\.mtl\.root: no folder /no/such/place"),
        ({"annotations": {"train": "none.txt"}}, r"datasets\.mtl\.annotations\.train: no file .*none\.txt"),
        ({"samples": {"mtl": "none.txt"}}, r"datasets\.mtl\.samples\.mtl: no file .*none\.txt"),
        ({"crops": ["faces"]}, r"datasets\.mtl\.crops: no folder .*faces"),
    ],
)
def test_missing_data_names_path_and_setting(base: Path, more: dict[str, object], key: str) -> None:
    with pytest.raises(ValueError, match=key):
        index(base, **more)


def test_one_split_alone_may_be_named(base: Path) -> None:
    (base / "validation_set_annotations.txt").unlink()
    found = find(settings(base, annotations={"train": "training_set_annotations.txt"}), "datasets.mtl")
    assert {clip.id: set(clip.splits.values()) for clip in found.clips} == {
        "7": {"train"},
        "8-14-640x360": set(),
        "99_left": {"test"},
    }


def test_the_listing_notices_annotations_samples_and_crops(base: Path) -> None:
    digests = [listing_digest(settings(base))]
    for name in ("training_set_annotations.txt", "validation_set_annotations.txt", "sample.txt", "batch1/new.mp4"):
        put(base / name, "something else")
        digests.append(listing_digest(settings(base)))
    assert len(set(digests)) == len(digests)
