"""The format check of rows that are clips, of rows of several tasks, and of one file per video."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from abaw_pipeline.cli import main
from abaw_pipeline.submission.lint import lint
from abaw_pipeline.tracks import TRACKS

VIDEOS = {"a": "valence,arousal\n0.1,0.2\n0.3,0.4\n", "b é": "valence,arousal\n1,-1\n"}


def put(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def offences(track: str, file: Path, sample: Path) -> dict[int, str]:
    """Messages by line."""
    found: dict[int, str] = {}
    for offence in lint(track, file, sample):
        found[offence.line] = f"{found.get(offence.line, '')} {offence.message}".strip()
    return found


def test_rows_that_are_clips_must_be_spelt_as_in_the_sample(tmp_path: Path) -> None:
    header, good = TRACKS["eri"].header, ",0.5" * 7
    sample = put(tmp_path / "sample.csv", header, "[00012],", "[12345]")
    assert offences("eri", put(tmp_path / "p.csv", header, f"[00012]{good}", f"[12345]{good}"), sample) == {}
    found = offences("eri", put(tmp_path / "p.csv", header, f"12{good}", f"[12345]{good}", f"[9]{good}"), sample)
    assert "'12' is spelt '[00012]' in the sample file" in found[2] and "'[00012]' is missing here" in found[2]
    assert "'[9]' is of a foreign clip" in found[4] and set(found) == {2, 4}


@pytest.mark.parametrize(
    ("track", "values", "message"),
    [
        ("eri", "0.5,0.5,0.5,0.5,0.5,0.5,1.01", "1.01 is outside [0, 1]"),
        ("emi", "-0.1,0.5,0.5,0.5,0.5,0.5", "-0.1 is outside [0, 1]"),
        ("emi", "0,0,0,0,0", "6 values are needed after the name, here are 5"),
        ("ce", "7", "'7' is not a whole number from 0 to 6"),
        ("mtl", "1.5,0,0" + ",0" * 12, "1.5 is outside [-1, 1]"),
        ("mtl", "0,0,8" + ",0" * 12, "'8' is not a whole number from 0 to 7"),
        ("mtl", "0,0,7" + ",0" * 11 + ",2", "'2' is not a whole number from 0 to 1"),
        ("mtl", "0,0,7" + ",0" * 11, "15 values are needed after the name, here are 14"),
    ],
)
def test_every_value_is_held_against_its_own_task(tmp_path: Path, track: str, values: str, message: str) -> None:
    name = "a/00001.jpg" if TRACKS[track].level == "frame" else "12345"
    sample = put(tmp_path / "sample", TRACKS[track].header, name)
    found = offences(track, put(tmp_path / "mine", TRACKS[track].header, f"{name},{values}"), sample)
    assert list(found) == [2] and message in found[2]


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return put(tmp_path / "sample.txt", TRACKS["va"].header, "b é/00001.jpg,", "a/00002.jpg,", "a/00001.jpg,")


def packed(folder: Path, files: dict[str, str], kind: str) -> Path:
    """Files of videos in a folder, or in a zip, at its top or in a folder of it."""
    if kind == "folder":
        for name, text in files.items():
            (folder / f"{name}.txt").parent.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.txt").write_text(text)
        return folder
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__MACOSX/._a.txt", "what a computer adds")
        for name, text in files.items():
            archive.writestr(f"{'mine/' if kind == 'inside' else ''}{name}.txt", text)
    return path


@pytest.mark.parametrize("kind", ["folder", "zip", "inside"])
def test_files_per_video_pass_in_a_folder_and_in_a_zip(tmp_path: Path, sample: Path, kind: str) -> None:
    assert lint("va", packed(tmp_path / "mine", VIDEOS, kind), sample) == []


@pytest.mark.parametrize(
    ("changed", "file", "line", "message"),
    [
        ({"a": VIDEOS["a"] + "0,0\n"}, "a.txt", 4, "3 rows; the sample asks for 2 rows"),
        ({"a": "valence,arousal\n0.1,0.2\n"}, "a.txt", 2, "1 rows; the sample asks for 2 rows"),
        ({"a": ""}, "a.txt", 1, "the file is empty"),
        ({"a": VIDEOS["a"].replace("0.3", "1.3")}, "a.txt", 3, "1.3 is outside [-1, 1]"),
        ({"a": VIDEOS["a"].replace("0.3", "a/00002.jpg,0.3")}, "a.txt", 3, "2 values are needed, here are 3"),
        ({"a": VIDEOS["a"].replace("val", "Val")}, "a.txt", 1, "the header must be 'valence,arousal'"),
        ({"c": VIDEOS["a"]}, "c", 1, "the sample file has no video of that name"),
    ],
)
def test_what_is_wrong_with_files_per_video_is_named_by_file_and_line(
    tmp_path: Path, sample: Path, changed: dict[str, str], file: str, line: int, message: str
) -> None:
    found = lint("va", packed(tmp_path / "mine", {**VIDEOS, **changed}, "inside"), sample)
    assert (found[0].file, found[0].line) == (file, line) and message in found[0].message


def test_a_video_without_a_file(tmp_path: Path, sample: Path) -> None:
    (found,) = lint("va", packed(tmp_path / "mine", {"b é": VIDEOS["b é"]}, "folder"), sample)
    assert found.file == "a.txt" and "there is no such file; the sample asks for 2 rows" in found.message


def test_the_command_names_the_file_of_a_video(
    tmp_path: Path, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = packed(tmp_path / "mine", {**VIDEOS, "a": "valence,arousal\n0,0\n7,7\n"}, "inside")
    with pytest.raises(SystemExit):
        main(["lint", "va", str(path), "--sample", str(sample)])
    assert f"{path}/a.txt:3: 7 is outside [-1, 1]\n" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"holds no file 'mtl\.txt', and mtl has no files per video"):
        lint("mtl", path, put(tmp_path / "mtl.txt", TRACKS["mtl"].header, "a/00001.jpg"))
