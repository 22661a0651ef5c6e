"""Faults planted one by one in a healthy folder like Aff-Wild2: each is found, with file and line, and ranked."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import pytest

from abaw_pipeline.cli import main
from abaw_pipeline.doctor.examine import examine
from abaw_pipeline.settings_file import check
from tests.doctor_folder import FRAMES, LONG, build, examined, settings, told
from tests.planted import FAULTS


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("healthy") / "data"
    build(root)
    return root


@pytest.fixture
def data(healthy: Path, tmp_path: Path) -> Path:
    return shutil.copytree(healthy, tmp_path / "data", copy_function=copied)


def copied(source: str, target: str) -> None:
    """Crops are many, and no test writes into one: they are links."""
    (os.link if source.endswith(".jpg") else shutil.copy)(source, target)


def test_a_healthy_folder_has_neither_errors_nor_warnings(data: Path) -> None:
    found = examined(data)
    assert [problem.line for problem in found.problems if problem.rank != "note"] == []
    assert [problem.kind for problem in found.problems] == ["recording"]  # clip 2 is crops alone
    numbers = {seen.clip.id: dict(seen.numbers()) for seen in found.clips}
    assert set(numbers) == {"1-30-96x96", "2-30-96x96", "3", "4_left", "4_right"}
    long = numbers["1-30-96x96"]
    assert (long["frames"], long["va_rows"], long["crops"], long["crop_gap"]) == (LONG, LONG, LONG, 0)
    assert long["rate"] == pytest.approx(30) and long["sound_s"] == pytest.approx(LONG / 30, abs=0.1)
    assert (long["va_low"], long["va_high"], long["va_annotated"]) == (-0.5, pytest.approx(0.7), 1)
    assert numbers["2-30-96x96"]["sound_s"] is None and numbers["2-30-96x96"]["rate"] == 30
    assert numbers["3"]["va_sample_rows"] == FRAMES
    assert (long["split"], numbers["3"]["split"]) == ("train", "test")
    assert numbers["4_left"]["people"] == "left of _left, _right" and long["people"] == ""


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_with_its_place(data: Path, name: str) -> None:
    fault = FAULTS[name]
    fault.plant(data)
    found = told(examined(data), fault.kind)
    meant = [problem for problem in found if problem.where.endswith(fault.where) and fault.what in problem.what]
    assert [problem.rank for problem in meant] == [fault.rank]
    assert all(problem.then for problem in found)


def test_every_fault_at_once_is_still_found_where_it_is(data: Path) -> None:
    planted = ("an_expression_of_8", "a_missing_recording", "five_hundred_frames_without_a_face", "windows_line_ends")
    for name in planted:
        FAULTS[name].plant(data)
    found = examined(data)
    assert {FAULTS[name].kind for name in planted} <= {problem.kind for problem in found.problems}
    ranks = [problem.rank for problem in found.problems]
    assert ranks == sorted(ranks, key=["error", "warning", "note"].index)


def test_a_line_is_told_once(data: Path) -> None:
    FAULTS["an_expression_of_8"].plant(data)
    (problem,) = told(examined(data), "left out")
    assert problem.line.count("line 9") == 1


def test_what_experiments_do_with_rows_past_the_end_is_what_is_told(data: Path) -> None:
    FAULTS["ten_rows_too_many"].plant(data)
    experiment = {"task": "va", "features": ["fbank"], "encoder": {"name": "gru"}}
    kept = {**experiment, "extra_rows": {"policy": "repeat_last"}}
    features = {"fbank": {"extractor": "fbank"}}
    for experiments, rank, then in (
        ({"strict": experiment, "lenient": kept}, "error", "strict leave the clip out"),
        ({"lenient": kept}, "warning", "take the last frame"),
    ):
        raw = {
            **settings(data),
            "features": features,
            "experiments": {k: {**v, "dataset": "aw"} for k, v in experiments.items()},
        }
        (problem,) = told(examine(check(raw, "config.yaml"), "aw"), "label rows")
        assert problem.rank == rank and then in problem.then


def test_a_filled_submission_is_told(data: Path) -> None:
    FAULTS["a_missing_recording"].plant(data)
    raw = {**settings(data), "submission": {"fill": "mean"}}
    (problem,) = told(examine(check(raw, "config.yaml"), "aw"), "sample rows")
    assert problem.then == "30 rows filled (submission.fill is 'mean')"


def test_a_bad_clip_that_stops_the_index_says_so(data: Path) -> None:
    FAULTS["an_expression_of_8"].plant(data)
    (problem,) = told(examined(data, on_bad_clip="stop"), "left out")
    assert "'abaw index' stops" in problem.then


def test_a_data_set_that_is_not_there_is_an_error_not_a_crash(tmp_path: Path) -> None:
    (problem,) = examined(tmp_path / "nowhere").problems
    assert problem.rank == "error" and "no folder" in problem.what and "nothing is computed" in problem.then


def run(root: Path, *arguments: str) -> list[dict[str, str]]:
    """Rows of ``doctor.csv`` after ``abaw doctor``."""
    file = root.parent / "config.yaml"
    file.write_text(json.dumps(settings(root)))
    main(["--config", str(file), "doctor", *arguments])
    with (root.parent / "results" / "doctor.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_command_prints_a_table_and_writes_all_of_it(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(data, "aw")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "aw, 5 clips (labels of va/expr/au)" and lines[1].split()[:4] == [
        "clip",
        "split",
        "Hz",
        "frames",
    ]
    assert lines[2].split()[:5] == ["1-30-96x96", "train", "30", "600", "600"]
    assert lines[-1].startswith("aw: 5 clips, 1 note; ") and "error" not in lines[-1]
    assert {row["clip"]: row["frames"] for row in rows}["3"] == "30" and len(rows) == 5
    assert [row["what"] for row in rows if row["rank"]] == ["no recording; its crops are taken as 30.0 frames a second"]


def test_errors_end_in_one_line_and_exit_code_2(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    FAULTS["an_expression_of_8"].plant(data)
    FAULTS["windows_line_ends"].plant(data)
    with pytest.raises(SystemExit) as stopped:
        run(data)
    told = capsys.readouterr()
    assert stopped.value.code == 2 and told.err.count("\n") == 1 and told.err.startswith("abaw: 1 error in aw; ")
    problems = [line for line in told.out.splitlines() if line.split(":")[0] in ("error", "warning", "note")]
    assert problems[0].startswith("error: ") and "line 9: '8' is not" in problems[0]
    with (data.parent / "results" / "doctor.csv").open(newline="") as stream:
        assert "line 9" in next(csv.DictReader(stream))["where"]


def test_of_many_alike_the_first_are_shown_and_all_are_written(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in data.glob("*/*/*.txt"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    rows = run(data)
    few = capsys.readouterr().out.splitlines()
    run(data, "--all")
    every = capsys.readouterr().out.splitlines()
    assert sum("Windows" in line for line in few) == 3 and "note: line ends: 9 more like these" in few
    assert sum("Windows" in line for line in every) == 12 == sum(row["kind"] == "line ends" for row in rows)
