"""Scores from files alone: known answers for every track."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from abaw_pipeline.cli import main
from abaw_pipeline.submission.score import score_files
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS


def put(path: Path, track: str, rows: dict[str, list[float]]) -> Path:
    """A file in the format of a track."""
    lines = [
        TRACKS[track].header,
        *(",".join([name, *(f"{value:.9g}" for value in row)]) for name, row in rows.items()),
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def annotated(folder: Path, task: str, clips: dict[str, list[list[float]]]) -> Path:
    """A folder of annotation files."""
    folder.mkdir()
    for clip, rows in clips.items():
        lines = [TASKS[task].header, *(",".join(f"{value:.9g}" for value in row) for row in rows)]
        (folder / f"{clip}.txt").write_text("\n".join(lines) + "\n")
    return folder


def frames(clip: str, rows: list[list[float]]) -> dict[str, list[float]]:
    return {f"{clip}/{number:05d}.jpg": row for number, row in enumerate(rows, start=1)}


def test_ccc_counts_all_annotated_frames_together_and_a_constant_is_zero(tmp_path: Path) -> None:
    truth = {"a": [[0.0, 0.1], [-5, -5], [0.2, 0.3]], "b": [[0.4, 0.5]]}
    predicted = {
        **frames("a", [[0.1, 0.3], [1.0, -1.0], [0.3, 0.3]]),
        **frames("b", [[0.5, 0.3], [-1.0, 1.0]]),
        **frames("c", [[-1.0, -1.0]]),
    }
    labels = annotated(tmp_path / "va", "va", truth)
    value, (found,) = score_files("va", put(tmp_path / "p.txt", "va", predicted), labels)
    # prediction = truth + 0.1: CCC = 2 var / (2 var + 0.01), var = 0.08 / 3
    assert found.columns["valence"] == pytest.approx(2 * 0.08 / 3 / (2 * 0.08 / 3 + 0.01), abs=1e-6)
    assert found.columns["arousal"] == 0.0
    assert value == found.mean == pytest.approx(found.columns["valence"] / 2)
    assert (found.rows, found.clips, found.lacking) == (3, 2, 0)


@pytest.mark.parametrize(("track", "classes"), [("expr", 8), ("ce", 7)])
def test_a_class_that_is_nowhere_counts_zero(tmp_path: Path, track: str, classes: int) -> None:
    truth = [[float(number)] for number in range(classes - 1)] + [[-1.0]]
    labels = annotated(tmp_path / "labels", track, {"a": truth})
    right = put(tmp_path / "right.txt", track, frames("a", [*truth[:-1], [classes - 1.0]]))
    assert score_files(track, right, labels)[0] == pytest.approx((classes - 1) / classes)
    constant = put(tmp_path / "constant.txt", track, frames("a", [[0.0]] * classes))
    # class 0: precision 1 / (classes - 1), recall 1
    assert score_files(track, constant, labels)[0] == pytest.approx(2 / classes / classes)


def test_units_count_one_by_one_where_they_are_annotated(tmp_path: Path) -> None:
    truth = [[1.0, 1.0, *[0.0] * 10], [1.0, -1.0, *[0.0] * 10], [0.0, 0.0, *[1.0] * 10], [-1.0] * 12]
    predicted = [[1.0, 1.0, *[0.0] * 10], [0.0, 1.0, *[0.0] * 10], [1.0, 0.0, *[0.0] * 10], [1.0] * 12]
    labels = annotated(tmp_path / "au", "au", {"a": truth})
    value, (found,) = score_files("au", put(tmp_path / "p.txt", "au", frames("a", predicted)), labels)
    # AU1: one right, one missed, one too many: 2 / 4; AU2 all right; the others never found
    assert list(found.columns.values())[:3] == [0.5, 1.0, 0.0] and value == pytest.approx(1.5 / 12)


@pytest.mark.parametrize("track", ["eri", "emi"])
def test_pearson_of_clips(tmp_path: Path, track: str) -> None:
    width = TRACKS[track].width
    columns = np.tile([[0.1], [0.2], [0.6]], width)
    predicted = columns / 2 + 0.1
    predicted[:, 0], predicted[:, 1] = 0.5, 1 - columns[:, 1]
    ids = ["00001", "00023", "45678"]
    labels = put(tmp_path / "labels.csv", track, dict(zip(ids, columns.tolist(), strict=True)))
    names = ["[1]", "23", "[45678]"]
    made = put(tmp_path / "p.csv", track, dict(zip(names, predicted.tolist(), strict=True)))
    value, (found,) = score_files(track, made, labels)
    assert list(found.columns.values()) == pytest.approx([0, -1, *[1] * (width - 2)], abs=1e-6)
    assert value == pytest.approx((width - 3) / width, abs=1e-6) and found.clips == 3


def mtl(va: list[float], expr: float, au: list[float]) -> list[float]:
    return [*va, expr, *au]


def test_the_multi_task_score_is_the_sum_of_three_and_each_task_has_its_own_frames(tmp_path: Path) -> None:
    on, off, none = [1.0] * 12, [0.0] * 12, [-1.0] * 12
    truth = {
        "a/00001.jpg": mtl([0.5, -0.5], 0, on),
        "a/00008.jpg": mtl([-0.5, 0.5], -1, none),
        "a/00017.jpg": mtl([-5, -5], 1, off),
    }
    labels = put(tmp_path / "labels.txt", "mtl", truth)
    text = labels.read_text()
    labels.write_text(text + text.splitlines()[1] + "\n")  # a row twice counts once
    right = {
        "a/00001.jpg": mtl([0.5, -0.5], 0, on),
        "a/00008.jpg": mtl([-0.5, 0.5], 5, on),
        "a/00017.jpg": mtl([1, 1], 1, off),
    }
    made = put(tmp_path / "p.txt", "mtl", right)
    value, parts = score_files("mtl", made, labels)
    assert [one.rows for one in parts] == [2, 2, 2]
    assert [one.mean for one in parts] == pytest.approx([1, 2 / 8, 1]) and value == pytest.approx(2.25)


def test_files_per_video_score_as_the_one_file(tmp_path: Path) -> None:
    labels = annotated(tmp_path / "labels", "va", {"a": [[0.1, 0.2], [0.4, 0.3]], "b": [[0.9, -0.5]]})
    rows = {"a": [[0.2, 0.1], [0.5, 0.5]], "b": [[0.8, -0.1]]}
    folder = annotated(tmp_path / "made", "va", rows)
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"somewhere/{path.name}")
    one = put(tmp_path / "p.txt", "va", {**frames("a", rows["a"]), **frames("b", rows["b"])})
    scores = {score_files("va", path, labels)[0] for path in (one, folder, tmp_path / "made.zip")}
    assert len(scores) == 1


def test_annotated_rows_without_a_prediction_are_refused_or_left_out_on_request(tmp_path: Path) -> None:
    labels = annotated(tmp_path / "va", "va", {"a": [[0.1, 0.2], [0.4, 0.3], [-5, -5]], "b": [[0.3, 0.3]]})
    made = put(tmp_path / "p.txt", "va", frames("a", [[0.1, 0.2], [0.4, 0.3]]))
    with pytest.raises(ValueError, match=r"1 annotated rows of 'va' have no prediction: b \(1\); --partial"):
        score_files("va", made, labels)
    value, (found,) = score_files("va", made, labels, partial=True)
    assert value == pytest.approx(1) and (found.rows, found.lacking) == (2, 1)


@pytest.mark.parametrize(
    ("track", "rows", "message"),
    [
        ("va", ["a/00001.jpg,0.1,0.2", "a/00001.jpg,0.1,0.2"], "line 3: 'a/00001.jpg' is there twice, first in line 2"),
        ("va", ["a/00001.jpg,0.1"], "line 2: '0.1' is not 2 numbers"),
        ("va", ["a/00001.jpg,-5,-5"], "line 2: va '-5,-5' is not numbers from -1 to 1"),
        ("va", ["a,0.1,0.2"], "line 2: 'a' is not '<clip>/<frame number from 1>.jpg'"),
        ("expr", ["a/00001.jpg,8"], "line 2: expr '8' is not whole numbers from 0 to 7"),
        ("au", ["a/00001.jpg" + ",2" * 12], "is not zeros and ones"),
        ("eri", ["a" + ",1.2" * 7], "is not numbers from 0 to 1"),
    ],
)
def test_predictions_that_are_none_are_named_by_line(tmp_path: Path, track: str, rows: list[str], message: str) -> None:
    path = tmp_path / "p.txt"
    path.write_text("\n".join([TRACKS[track].header, *rows]) + "\n")
    with pytest.raises(ValueError) as stop:
        score_files(track, path, path)
    assert message in str(stop.value)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = annotated(tmp_path / "va", "va", {"a": [[0.1, 0.2], [0.4, 0.3]]})
    made = put(tmp_path / "p.txt", "va", frames("a", [[0.1, 0.2], [0.4, 0.3]]))
    main(["score", "va", str(made), str(labels)])
    assert capsys.readouterr().out.splitlines()[:2] == [
        "va: 1.000 (mean CCC)",
        "  va: mean CCC 1.000 over 2 annotated frames of 1 clips",
    ]
    for arguments, message in (
        (["vaa", str(made), str(labels)], "no track 'vaa'; did you mean 'va'?"),
        (["va", str(tmp_path / "none.txt"), str(labels)], "none.txt: no such file"),
        (["mtl", str(made), str(labels)], "mtl has no files per video"),
        (["expr", str(made), str(made)], "line 1: expected the header"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(["score", *arguments])
        error = capsys.readouterr().err
        assert stop.value.code == 2 and message in error and error.count("\n") == 1
