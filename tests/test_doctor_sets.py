"""Faults of the multi-task set and of Hume's tables: found with file and line, and ranked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from scipy.io import wavfile

from abaw_pipeline.doctor.examine import examine
from abaw_pipeline.doctor.problems import Problem
from abaw_pipeline.settings_file import check
from abaw_pipeline.tracks import TRACKS
from tests.affwild2_folder import put
from tests.doctor_folder import write_faces, write_recording
from tests.hume_folder import EMI, INFO, SEVEN, SIX
from tests.media_fixtures import tone

UNITS = ",1,0,0,0,0,1,0,0,0,1,0,1"
FRAMES = (1, 8, 17)


def problems(root: Path, **settings: object) -> list[Problem]:
    raw = {"results": str(root.parent / "results"), "datasets": {"set": {"root": str(root), **settings}}}
    return examine(check(raw, "config.yaml"), "set").problems


def told(found: list[Problem]) -> list[tuple[str, str, str]]:
    """Rank, the end of where it is, and what."""
    return [(problem.rank, problem.where.rpartition("/")[2], problem.what) for problem in found]


def multi_task(root: Path, *more: str) -> list[Problem]:
    """What is said of a set of two clips, with ``more`` rows at the end of the training file."""
    rows = {clip: [f"{clip}/{frame:05d}.jpg,0.{frame},0.2,3{UNITS}" for frame in FRAMES] for clip in ("a", "b")}
    for clip, file in (("a", "training_set_annotations.txt"), ("b", "validation_set_annotations.txt")):
        write_faces(root / "cropped_aligned" / clip, FRAMES[-1], 0)
        lines = [TRACKS["mtl"].header, *rows[clip], *(more if clip == "a" else ())]
        put(root / file, "\n".join(lines) + "\n")
    return [problem for problem in problems(root, adapter="s_affwild2", rate=30) if problem.kind != "recording"]


def test_a_healthy_multi_task_set_has_nothing_odd(tmp_path: Path) -> None:
    assert multi_task(tmp_path / "data") == []


@pytest.mark.parametrize(
    ("row", "rank", "what"),
    [
        (f"a/00008.jpg,0.8,0.2,3{UNITS}", "note", "several rows that say the same"),
        (f"a/00008.jpg,0.8,0.2,4{UNITS}", "warning", "several rows that contradict each other"),
        (f"a/00009.jpg,-5,0.2,3{UNITS}", "warning", "only one of valence and arousal"),
        (f"a/00009.jpg,0.1,0.2,8{UNITS}", "error", "expr '8' is not"),
        (f"a/00009.jpg,0.1,0.2,3{UNITS[:-1]}2", "error", "au '1,0,0,0,0,1,0,0,0,1,0,2' is not"),
        (f"b/00001.jpg,0.1,0.2,3{UNITS}", "error", "in more than one split"),
    ],
)
def test_a_row_of_the_multi_task_set_is_found(tmp_path: Path, row: str, rank: str, what: str) -> None:
    found = told(multi_task(tmp_path / "data", row))
    where = "datasets.set" if "split" in what else "training_set_annotations.txt: line 5"
    assert [(one[0], one[1]) for one in found if what in one[2]] == [(rank, where)]


def recorded(root: Path, folder: str, *clips: str) -> None:
    first = root / folder / f"{clips[0]}.mp4"
    write_recording(first, 10)
    for clip in clips[1:]:
        shutil.copy(first, first.with_name(f"{clip}.mp4"))


def test_faults_of_reactions_are_found(tmp_path: Path) -> None:
    root = tmp_path / "data"
    recorded(root, "mp4", "00001", "00002", "12345")
    end = ",31,Nowhere\n"
    table = root / "data_info.csv"
    put(table, INFO + f"[00001],Train,{SEVEN}{end}00002,Val,{SEVEN}{end}12345,Test,,,,,,,{end}")
    assert told(problems(root, adapter="hume_reaction")) == [
        ("note", "data_info.csv: line 2", "1 ids stand in brackets, the first: [00001]")
    ]
    put(table, table.read_text().replace("Surprise", "surprise").replace("\n", "\r\n") + f"00002,Train,{SEVEN}{end}")
    found = problems(root, adapter="hume_reaction")
    assert [problem.kind for problem in found] == ["data set", "reading", "line ends"]
    assert told(found)[0][:2] == ("error", "data_info.csv: line 5") and "in 'train' here, in 'val'" in found[0].what
    put(table, INFO + f"00001,Train,{SEVEN[:-3]}70{end}00002,Val,{SEVEN}{end}")
    (problem,) = (one for one in problems(root, adapter="hume_reaction") if one.rank == "error")
    assert (
        problem.where.endswith("data_info.csv: line 2") and "divide all intensities of the file by 100" in problem.what
    )


def test_faults_of_mimicry_are_found(tmp_path: Path) -> None:
    root = tmp_path / "data"
    recorded(root, "raw", "00001", "00002")
    put(root / "train_split.csv", EMI + f"1,{SIX}\n")
    put(root / "valid_split.csv", EMI + f"00002,{SIX}\n00003,{SIX}\n")
    found = problems(root, adapter="hume_vidmimic2")
    assert told(found) == [
        ("error", "00003", found[0].what),
        ("note", "train_split.csv: line 2", "1 ids have lost their leading zeros, the first: 1"),
    ]
    assert found[0].what.startswith("neither a recording '00003'") and found[0].clip == "00003"


def test_sound_alone_is_told(tmp_path: Path) -> None:
    root = tmp_path / "data"
    wavfile.write(put(root / "wav" / "00001.wav"), 16_000, tone(2.0))
    put(root / "train_split.csv", EMI + f"00001,{SIX}\n")
    put(root / "valid_split.csv", EMI + f"00002,{SIX}\n")
    recorded(root, "raw", "00002")
    found = [problem for problem in problems(root, adapter="hume_vidmimic2") if problem.clip == "00001"]
    assert told(found) == [("note", "00001.wav", "no moving pictures: 50 frames are laid over the sound")]
