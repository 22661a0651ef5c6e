"""The CSV and the plot of one clip, and where its sound is."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from abaw_pipeline.report.clip_files import plot_clip, write_clip_csv
from abaw_pipeline.report.clip_plot import _edges
from abaw_pipeline.report.curves import audio_valid
from abaw_pipeline.report.drawing import stretches
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.types import Clock


@pytest.fixture
def clip() -> tuple[Clock, np.ndarray, np.ndarray, np.ndarray]:
    face = np.arange(8) % 3 > 0
    return Clock(np.arange(8) / 29.97), np.linspace(-0.9, 0.8, 16, dtype=np.float32).reshape(8, 2), face, ~face


def test_the_csv_of_a_clip(tmp_path: Path, clip: tuple) -> None:
    clock, values, face, audio = clip
    write_clip_csv(tmp_path / "a.csv", *clip)
    with (tmp_path / "a.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["frame", "time_s", "valence", "arousal", "face_valid", "audio_valid"]
    assert [int(row["frame"]) for row in rows] == list(range(1, 9))
    np.testing.assert_allclose([float(row["time_s"]) for row in rows], clock.times, atol=1e-6)
    np.testing.assert_allclose([[float(row["valence"]), float(row["arousal"])] for row in rows], values, atol=1e-6)
    assert [row["face_valid"] == "1" for row in rows] == face.tolist()
    assert [row["audio_valid"] == "1" for row in rows] == audio.tolist()


def predictions(task: str, rows: int = 8) -> np.ndarray:
    """Probabilities of classes sum to 1, the others are any numbers in (0, 1)."""
    made = np.random.default_rng(0).random((rows, len(TASKS[task].columns)))
    return made / made.sum(axis=1, keepdims=True) if TASKS[task].kind == "class" else made


def test_the_csv_of_classes_names_the_most_probable_one(tmp_path: Path, clip: tuple) -> None:
    clock, _, face, audio = clip
    values, task = predictions("expr"), TASKS["expr"]
    write_clip_csv(tmp_path / "a.csv", clock, values, face, audio, task)
    with (tmp_path / "a.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["frame", "time_s", "class", *task.columns, "face_valid", "audio_valid"]
    found = np.array([[float(row[name]) for name in task.columns] for row in rows])
    np.testing.assert_allclose(found, values, atol=1e-6)
    assert [row["class"] for row in rows] == [max(task.columns, key=lambda name: row[name]) for row in rows]


def test_the_csv_of_units_has_their_probabilities(tmp_path: Path, clip: tuple) -> None:
    clock, _, face, audio = clip
    write_clip_csv(tmp_path / "a.csv", clock, predictions("au"), face, audio, TASKS["au"])
    header, first, *_ = csv.reader((tmp_path / "a.csv").read_text().splitlines())
    assert header == ["frame", "time_s", *TASKS["au"].columns, "face_valid", "audio_valid"]
    np.testing.assert_allclose([float(value) for value in first[2:-2]], predictions("au")[0], atol=1e-6)


def test_the_csv_of_a_task_with_one_label_per_clip_has_one_row(tmp_path: Path, clip: tuple) -> None:
    clock, _, face, audio = clip
    values, task = predictions("emi", rows=1), TASKS["emi"]
    write_clip_csv(tmp_path / "a.csv", clock, values, face, audio, task)
    header, *rows = csv.reader((tmp_path / "a.csv").read_text().splitlines())
    assert header == list(task.columns) and len(rows) == 1
    np.testing.assert_allclose([float(value) for value in rows[0]], values[0], atol=1e-6)
    with pytest.raises(ValueError, match="8 frames"):
        write_clip_csv(tmp_path / "b.csv", clock, predictions("emi"), face, audio, task)


@pytest.mark.parametrize("task", TASKS)
def test_the_plot_of_a_clip(tmp_path: Path, clip: tuple, task: str) -> None:
    clock, _, face, audio = clip
    values = predictions(task, rows=1 if TASKS[task].level == "clip" else 8)
    plot_clip(tmp_path / "a.png", clock, values, face, audio, TASKS[task])
    plot_clip(tmp_path / "b.png", clock, values, face, audio, TASKS[task])
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_stretches_of_frames_last_until_the_next_frame() -> None:
    times = np.array([0.0, 1, 2, 4, 5])
    assert stretches(_edges(times), np.array([1, 0, 1, 1, 1], bool)) == [(0, 1), (2, 4)]
    assert stretches(_edges(times), np.zeros(5, bool)) == []
    assert stretches(_edges(times[:1]), np.ones(1, bool)) == [(0, 0.04)]


@pytest.mark.parametrize("write", [write_clip_csv, plot_clip])
def test_clips_that_do_not_fit_together_are_refused(tmp_path: Path, clip: tuple, write) -> None:
    clock, values, face, audio = clip
    broken = values.copy()
    broken[2, 1] = np.nan
    for arguments, message in (
        ((clock, values[:-1], face, audio), "8 frames"),
        ((clock, broken, face, audio), "frame 3"),
    ):
        with pytest.raises(ValueError, match=message):
            write(tmp_path / "a", *arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rate", [14, 24, 30000 / 1001, 60])
def test_sound_is_there_exactly_within_its_stretches(rate: float) -> None:
    clock = Clock(np.arange(int(900 * rate)) / rate + 0.021)
    heard = np.int64([[0, 16_000], [32_000, 16_000 * 800]])
    found = audio_valid(clock, heard, 0.021)
    seconds = np.arange(len(clock)) / rate
    np.testing.assert_array_equal(found, ((seconds < 1 - 1e-6) | (seconds > 2 - 1e-6)) & (seconds < 800 - 1e-6))
    assert not audio_valid(clock, np.zeros((0, 2), np.int64), 0.0).any()
    assert not audio_valid(clock, np.int64([[10_000_000_000, 10_000_000_001]]), 0.0).any()
