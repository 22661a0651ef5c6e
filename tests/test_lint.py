"""The format check names the line of every offence, and accepts what is fine."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abaw_pipeline.cli import main
from abaw_pipeline.submission.lint import lint
from abaw_pipeline.tracks import TRACKS

HEADER = "image_location,valence,arousal"
NAMES = [f"2-30-640x360/{n:05d}.jpg" for n in range(1, 6)] + ["314/00001.jpg", "314/00009.jpg"]
LINES = [HEADER, *(f"{name},0.25,-0.5" for name in NAMES)]


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.txt"
    path.write_text("\n".join([HEADER, *(f"{name}," for name in NAMES)]) + "\n")
    return path


def check(sample: Path, lines: list[str] | str, task: str = "va") -> dict[int, str]:
    """Messages by line."""
    path = sample.with_name("mine.txt")
    path.write_bytes((lines if isinstance(lines, str) else "\n".join(lines) + "\n").encode())
    found: dict[int, str] = {}
    for offence in lint(task, path, sample):
        found[offence.line] = f"{found.get(offence.line, '')} {offence.message}".strip()
    return found


def test_a_good_file_passes(sample: Path) -> None:
    assert check(sample, LINES) == {}


@pytest.mark.parametrize("text", ["\r\n".join(LINES) + "\r\n", "\n".join(LINES), "\n".join(LINES).replace(",", ", ")])
def test_line_ends_and_spaces_are_tolerated(sample: Path, text: str) -> None:
    assert check(sample, text.replace("location, valence, arousal", "location,valence,arousal")) == {}


def changed(line: int, text: str) -> list[str]:
    """The good lines with line ``line`` (from 1) replaced."""
    return [*LINES[: line - 1], text, *LINES[line:]]


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (1, "image,valence,arousal", "the header must be"),
        (3, f"{NAMES[1]},1.5,0", "1.5 is outside"),
        (4, f"{NAMES[2]},0,-1.000001", "outside"),
        (5, f"{NAMES[3]},nan,0", "'nan' is not finite"),
        (5, f"{NAMES[3]},-Inf,0", "not finite"),
        (5, f"{NAMES[3]},1e999,0", "outside"),
        (6, f"{NAMES[4]},0.1,high", "'high' is not a number"),
        (6, f"{NAMES[4]},0.1,", "'' is not a number"),
        (6, f"{NAMES[4]},0x1,1_0", "not a number"),
        (7, f"{NAMES[5]},0.1", "2 values are needed after the name, here are 1"),
        (7, f"{NAMES[5]},0.1,0.1,0.1", "here are 3"),
        (8, f"{NAMES[6]},0.1,0.1,", "ends in a comma"),
    ],
)
def test_a_bad_value_is_named_by_its_line_alone(sample: Path, line: int, text: str, message: str) -> None:
    found = check(sample, changed(line, text))
    assert list(found) == [line] and message in found[line]


@pytest.mark.parametrize("line", range(2, 9))
def test_a_missing_row(sample: Path, line: int) -> None:
    found = check(sample, LINES[: line - 1] + LINES[line:])
    assert list(found) == [line] and f"'{NAMES[line - 2]}' is missing here" in found[line]


def test_missing_rows_in_a_run_are_one_offence(sample: Path) -> None:
    found = check(sample, LINES[:2] + LINES[5:])
    assert found == {3: f"3 rows from '{NAMES[1]}' on are missing here"}


@pytest.mark.parametrize("line", range(2, 8))
def test_two_rows_swapped(sample: Path, line: int) -> None:
    lines = list(LINES)
    lines[line - 1], lines[line] = lines[line], lines[line - 1]
    found = check(sample, lines)
    assert list(found) == [line, line + 1]
    assert "comes only in line" in found[line] and f"belongs before line {line}" in found[line + 1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("315/00001.jpg", "foreign clip"),
        ("314/00002.jpg", "though its clip is"),
        (NAMES[0], "twice, first in line 2"),
    ],
)
def test_a_row_too_many(sample: Path, name: str, message: str) -> None:
    found = check(sample, [*LINES[:5], f"{name},0,0", *LINES[5:]])
    assert list(found) == [6] and message in found[6]


def test_a_foreign_clip_in_place_of_a_row(sample: Path) -> None:
    found = check(sample, changed(4, "315/00001.jpg,0,0"))
    assert list(found) == [4] and "foreign clip" in found[4] and f"'{NAMES[2]}' is missing" in found[4]


def test_byte_order_mark_empty_rows_and_empty_files(sample: Path) -> None:
    assert "byte order mark" in check(sample, "\ufeff" + "\n".join(LINES))[1]
    assert check(sample, [*LINES[:3], "", *LINES[3:]]) == {4: "an empty row"}
    assert check(sample, [*LINES, ""]) == {9: "an empty row"}
    found = check(sample, "")
    assert "the file is empty" in found[1] and "7 rows" in found[2]
    assert list(check(sample, [HEADER])) == [2]


def test_bytes_that_are_no_text_are_an_offence(sample: Path) -> None:
    path = sample.with_name("mine.txt")
    path.write_bytes("\n".join(LINES).encode().replace(b"0.25", b"\xff", 1))
    assert [(row.line, "xff" in row.message) for row in lint("va", path, sample)] == [(2, True)]


@pytest.mark.parametrize(
    ("task", "good", "bad"),
    [
        ("expr", "7", "8"),
        ("expr", "0", "0.0"),
        ("expr", "3", "-1"),
        ("au", ",".join("01" * 6), ",".join("02" * 6)),
    ],
)
def test_tracks_of_whole_numbers(tmp_path: Path, task: str, good: str, bad: str) -> None:
    sample = tmp_path / "sample.txt"
    sample.write_text(f"{TRACKS[task].header}\na/00001.jpg\na/00002.jpg,\n")
    assert check(sample, [TRACKS[task].header, f"a/00001.jpg,{good}", f"a/00002.jpg,{good}"], task) == {}
    found = check(sample, [TRACKS[task].header, f"a/00001.jpg,{good}", f"a/00002.jpg,{bad}"], task)
    assert list(found) == [3]


@given(order=st.permutations(range(len(NAMES))), kept=st.sets(st.sampled_from(range(len(NAMES)))))
def test_order_is_right_or_an_offence(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], kept: set[int]
) -> None:
    sample = tmp_path_factory.mktemp("lint") / "sample.txt"
    sample.write_text("\n".join([HEADER, *(f"{name}," for name in NAMES)]))
    rows = [place for place in order if place in kept]
    found = check(sample, [HEADER, *(LINES[1 + place] for place in rows)])
    assert bool(found) == (rows != list(range(len(NAMES))))
    in_order_rows = {line for line, place in enumerate(rows, start=2) if rows[: line - 1] == list(range(line - 1))}
    assert not any(" is out of order" in found.get(line, "") for line in in_order_rows)


def test_wrong_samples_and_names_are_user_errors(sample: Path) -> None:
    for task, file, other, message in (
        ("vaa", sample, sample, "did you mean 'va'"),
        ("va", sample.with_name("none.txt"), sample, "no such file"),
        ("expr", sample, sample, "line 1: expected the header 'image_location,Neutral"),
    ):
        with pytest.raises(ValueError, match=message):
            lint(task, file, other)
    sample.write_text(f"{HEADER}\n2-30-640x360,\n")
    with pytest.raises(ValueError, match="line 2: '2-30-640x360' is not"):
        lint("va", sample, sample)


def test_the_command(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = sample.with_name("good.txt")
    good.write_text("\n".join(LINES))
    main(["lint", "va", str(good), "--sample", str(sample)])
    assert capsys.readouterr().out == "ok: 7 rows\n"
    good.write_text("\n".join([HEADER] + 12 * [f"{NAMES[0]},0,0"]))
    with pytest.raises(SystemExit) as stop:
        main(["lint", "va", str(good), "--sample", str(sample)])
    shown = capsys.readouterr()
    assert stop.value.code == 2 and shown.err == f"abaw: {good}: 12 offences, the first 10 shown\n"
    lines = shown.out.splitlines()
    assert len(lines) == 10 and all(line.startswith(f"{good}:") for line in lines)
