"""Hume-Reaction and Hume-Vidmimic2 on small hand-made folders with the traps of the real data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abaw_pipeline.datasets.hume_reaction import HumeReactionSettings
from abaw_pipeline.datasets.hume_vidmimic2 import HumeVidmimic2Settings
from abaw_pipeline.datasets.index import build_index, listing_digest, read_clips, read_labels
from abaw_pipeline.datasets.intensity_rows import padded
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.strict import parse
from abaw_pipeline.tracks import TRACKS
from tests.affwild2_folder import put
from tests.hume_folder import INFO, SEVEN, SIX, found, mimicry, reaction, reasons

ROWS = f"[00001],Train,{SEVEN}\n[00002],Val,{SEVEN}\n[12345],Test,,,,,,,"


def test_one_label_per_clip_and_splits_of_data_info(tmp_path: Path) -> None:
    reaction(tmp_path / "d", ROWS)
    data = found(tmp_path / "d")
    assert {clip.id: clip.splits for clip in data.clips} == {
        "00001": {"eri": "train"},
        "00002": {"eri": "val"},
        "12345": {"eri": "test"},
    }
    assert set(data.labels["eri"]) == {"00001", "00002"} and not data.skipped and not data.refused
    assert data.labels["eri"]["00001"].dtype == np.float32
    np.testing.assert_allclose(data.labels["eri"]["00001"], [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]], rtol=1e-6)


def test_columns_are_found_by_name_in_any_order(tmp_path: Path) -> None:
    root = tmp_path / "d"
    put(root / "mp4" / "00001.mp4")
    text = "\ufeffSurprise,empathic_pain,FEAR,Disgust,Anxiety,Amusement,Adoration,split,file_id\r\n"
    put(root / "data_info.csv", text + ".7,.5,.6,.4,.3,.2,.1,train,[1]\r\n\r\n")
    data = found(root)
    np.testing.assert_allclose(data.labels["eri"]["00001"], [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]], rtol=1e-6)


def test_labels_and_partition_are_joined_by_id(tmp_path: Path) -> None:
    root = tmp_path / "d"
    reaction(root, ROWS)
    (root / "data_info.csv").unlink()
    columns = ",".join(INFO.split(",")[2:9])
    put(root / "labels.csv", f"File_ID,{columns}\n00001,{SEVEN}\n2,{SEVEN}\n12345,{SEVEN}\n77,{SEVEN}\n")
    put(root / "partition.csv", "Id,Partition\n1,train\n00002,devel\n12345,test\n88,train\n")
    data = found(root)
    assert {clip.id: clip.splits["eri"] for clip in data.clips} == {"00001": "train", "00002": "val", "12345": "test"}
    assert set(data.labels["eri"]) == {"00001", "00002"}, "labels of test clips are not taken"
    assert reasons(data) == {
        "00077": f"{root}/labels.csv: line 5: no table tells the split of clip '00077'",
        "00088": f"{root}/partition.csv: line 5: no table tells the intensities of clip '00088'",
    }
    put(root / "data_info.csv", INFO)
    with pytest.raises(ValueError, match=r"datasets\.hume\.annotations: both data_info\.csv and labels\.csv"):
        found(root)
    assert len(found(root, annotations=["labels.csv", "partition.csv"]).clips) == 3


def test_a_folder_without_tables_names_the_setting(tmp_path: Path) -> None:
    put(tmp_path / "d" / "mp4" / "00001.mp4")
    with pytest.raises(ValueError, match=r"datasets\.hume\.annotations: neither data_info\.csv nor labels\.csv"):
        found(tmp_path / "d")
    with pytest.raises(ValueError, match=r"datasets\.hume\.annotations\.train: no file .*train_split\.csv"):
        found(tmp_path / "d", HumeVidmimic2Settings)


@given(st.integers(0, 99_999), st.integers(1, 5), st.booleans())
def test_every_spelling_of_an_id_means_one_clip(number: int, digits: int, brackets: bool) -> None:
    spelt = f"{number:0{digits}d}"
    assert padded(f"[{spelt}]" if brackets else spelt) == f"{number:05d}"


def test_names_that_are_no_numbers_stay(tmp_path: Path) -> None:
    reaction(tmp_path / "d", f"[a1],Train,{SEVEN}\n123456,Val,{SEVEN}", ("a1", "123456"))
    assert [clip.id for clip in found(tmp_path / "d").clips] == ["123456", "a1"]


def test_ids_that_lost_their_zeros_are_filled_up_and_told(tmp_path: Path) -> None:
    root = mimicry(tmp_path / "d", f"1,{SIX}\n2,{SIX}\n", f"12345,{SIX}\n")
    data = found(root, HumeVidmimic2Settings)
    assert [clip.id for clip in data.clips] == ["00001", "00002", "12345"]
    assert [note.text for note in data.notes] == [
        f"{root}/train_split.csv: line 2: 2 ids have lost their leading zeros, the first: 1; "
        "they are filled up to five digits"
    ]


def test_brackets_and_rows_that_stand_twice_are_told(tmp_path: Path) -> None:
    path = reaction(tmp_path / "d", f"{ROWS}\n00001,Train,{SEVEN}")
    data = found(tmp_path / "d")
    assert [(note.rank, note.text) for note in data.notes] == [
        ("note", f"{path}: line 2: 3 ids stand in brackets, the first: [00001]; they are read without"),
        ("note", f"{path}: line 5: 1 rows say the same again, the first: 00001; a clip counts once"),
    ]
    assert set(data.labels["eri"]) == {"00001", "00002"}


def test_rows_that_contradict_each_other_leave_their_clip_unannotated(tmp_path: Path) -> None:
    path = reaction(tmp_path / "d", f"{ROWS}\n00001,Train,{SEVEN[:-1]}9")
    data = found(tmp_path / "d")
    assert np.isnan(data.labels["eri"]["00001"]).all() and not np.isnan(data.labels["eri"]["00002"]).any()
    note = next(note for note in data.notes if note.clip == "00001")
    assert note.rank == "warning" and note.where == f"{path}: line 5" and f"than at {path}: line 2" in note.what


@pytest.mark.parametrize("cells", [",,,,,,", "-1,-1,-1,-1,-1,-1,-1", "nan,0,0,0,0,0,0", "0.5,0.5,,0.5,0.5,0.5,0.5"])
def test_a_clip_without_all_of_its_intensities_is_left_unannotated(tmp_path: Path, cells: str) -> None:
    path = reaction(tmp_path / "d", f"00001,Train,{cells}\n00002,Val,{SEVEN}")
    data = found(tmp_path / "d")
    assert np.isnan(data.labels["eri"]["00001"]).all() and len(data.clips) == 2
    assert [(note.rank, note.where) for note in data.notes] == [("warning", f"{path}: line 2")]


def test_intensities_that_were_not_divided_are_refused_with_line_and_hint(tmp_path: Path) -> None:
    path = reaction(tmp_path / "d", f"00001,Train,{SEVEN}\n00002,Val,1,1,57,1,1,1,100")
    data = found(tmp_path / "d")
    assert len(data.refused) == 1
    assert data.refused[0].startswith(f"{path}: line 3: Anxiety 57 is more than 1; annotators gave 1 to 100")
    assert len(data.clips) == 2, "the doctor sees the others"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"00001,Train,{SEVEN[:-3]}x", "'0.1,0.2,0.3,0.4,0.5,0.6,x' is not 7 numbers from 0 to 1"),
        (f"00001,Train,-0.5{SEVEN[3:]}", "Adoration -0.5 is no number from 0 to 1"),
        (f"00001,Train,{SEVEN[:-3]}inf", "Surprise inf is no number from 0 to 1"),
        (f"00001,Tarin,{SEVEN}", "no split 'Tarin'; it is one of Train, Val, Test"),
        (f"00001,Train,{SEVEN},0.1", "12 cells for 11 columns"),
    ],
)
def test_a_bad_row_skips_its_clip_alone(tmp_path: Path, row: str, reason: str) -> None:
    path = reaction(tmp_path / "d", f"{row}\n00002,Val,{SEVEN}")
    data = found(tmp_path / "d")
    assert reasons(data) == {"00001": f"{path}: line 2: {reason}"}
    assert [clip.id for clip in data.clips] == ["00002"] and set(data.labels["eri"]) == {"00002"}


def test_a_row_without_id_is_left_out(tmp_path: Path) -> None:
    path = reaction(tmp_path / "d", f"[],Train,{SEVEN}\n00002,Val,{SEVEN}")
    data = found(tmp_path / "d")
    assert [clip.id for clip in data.clips] == ["00002"]
    assert (data.notes[0].rank, data.notes[0].where) == ("warning", f"{path}: line 2")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (INFO.replace("File_ID", "Name"), r"no column of ids \(File_ID or Filename\)"),
        (INFO.replace("Fear,", "").replace("Disgust", "x"), "no column Disgust, Fear; all of the 7 are needed"),
        ("File_ID,Age\n", "neither a column of splits nor of intensities"),
        ("", "no column of ids"),
    ],
)
def test_a_foreign_header_is_refused(tmp_path: Path, header: str, message: str) -> None:
    put(tmp_path / "d" / "data_info.csv", header)
    with pytest.raises(ValueError, match=rf"data_info\.csv: line 1: {message}"):
        _index(tmp_path / "d")


def _index(root: Path) -> Layout:
    settings = parse(HumeReactionSettings, {"adapter": "hume_reaction", "root": str(root)}, "config.yaml")
    layout = Layout(root.parent / "out", "hume")
    build_index("hume", settings, layout)
    return layout


def test_the_index_keeps_labels_and_unannotated_clips(tmp_path: Path) -> None:
    reaction(tmp_path / "d", f"00001,Train,{SEVEN}\n00002,Val,,,,,,,")
    layout = _index(tmp_path / "d")
    assert [clip.id for clip in read_clips(layout)] == ["00001", "00002"]
    assert np.isnan(read_labels(layout, "eri")["00002"]).all()


def test_a_clip_in_two_splits_is_refused_with_both_lines(tmp_path: Path) -> None:
    root = mimicry(tmp_path / "d", f"00001,{SIX}\n", f"00002,{SIX}\n00001,{SIX}\n")
    told = found(root, HumeVidmimic2Settings).refused
    first, second = f"{root}/train_split.csv: line 2", f"{root}/valid_split.csv: line 3"
    assert told == [f"{second}: clip '00001' is in 'val' here, in 'train' at {first}; remove one"]


def test_clips_of_the_sample_are_test_clips_whatever_their_spelling(tmp_path: Path) -> None:
    root = mimicry(tmp_path / "d", f"00001,{SIX}\n", f"00002,{SIX}\n", ("00001", "00002", "00345"))
    put(root / "sample.csv", f"{TRACKS['emi'].header}\n345,0,0,0,0,0,0\n")
    data = found(root, HumeVidmimic2Settings, samples={"emi": "sample.csv"})
    assert {clip.id: clip.splits["emi"] for clip in data.clips}["00345"] == "test" and not data.refused
    put(root / "sample.csv", f"{TRACKS['emi'].header}\n[00002]\n")
    told = found(root, HumeVidmimic2Settings, samples={"emi": "sample.csv"}).refused
    assert len(told) == 1 and "00002 (emi: test, val)" in told[0]


def test_of_test_tables_ids_alone_are_read(tmp_path: Path) -> None:
    root = mimicry(tmp_path / "d", f"00001,{SIX}\n", f"00002,{SIX}\n")
    put(root / "test_split.csv", "Filename\n12345\n")
    tables = {"train": "train_split.csv", "val": "valid_split.csv", "test": "test_split.csv"}
    data = found(root, HumeVidmimic2Settings, annotations=tables)
    assert {clip.id: clip.splits["emi"] for clip in data.clips}["12345"] == "test"


def test_sound_stands_in_for_a_recording_that_is_not_there(tmp_path: Path) -> None:
    root = tmp_path / "d"
    reaction(root, f"00001,Train,{SEVEN}\n00002,Val,{SEVEN}\n00003,Val,{SEVEN}\n00004,Val,{SEVEN}", ("00001",))
    for name in ("wav/1.WAV", "audio/00002.flac"):
        put(root / name)
    put(root / "face_images" / "00003" / "00001.jpg")
    data = found(root, rate=30)
    places = {clip.id: (clip.video, clip.crops, clip.rate) for clip in data.clips}
    assert places == {
        "00001": (f"{root}/mp4/00001.mp4", None, 30.0),
        "00002": (f"{root}/audio/00002.flac", None, 30.0),
        "00003": (None, f"{root}/face_images/00003", 30.0),
    }
    assert "neither a recording '00004', nor its sound, nor a crop folder" in reasons(data)["00004"]
    assert {clip.rate for clip in found(root).clips} == {25.0}


def test_files_that_differ_in_leading_zeros_alone_are_not_chosen_from(tmp_path: Path) -> None:
    reaction(tmp_path / "d", f"00001,Train,{SEVEN}\n00002,Val,{SEVEN}", ("00001", "1", "2"))
    data = found(tmp_path / "d")
    assert [clip.id for clip in data.clips] == ["00002"] and "2 recordings of one name" in reasons(data)["00001"]


def test_a_new_sound_file_or_table_is_noticed(tmp_path: Path) -> None:
    root = tmp_path / "d"
    reaction(root, ROWS)
    settings = parse(HumeReactionSettings, {"adapter": "hume_reaction", "root": str(root)}, "config.yaml")
    listings = [listing_digest(settings)]
    for name in ("wav/00009.wav", "partition.csv"):
        put(root / name)
        listings.append(listing_digest(settings))
    assert len(set(listings)) == 3
