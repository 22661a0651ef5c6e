"""The CSV and the plot of one clip, and where its sound is."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from abaw_pipeline.report.clip_files import plot_clip, write_clip_csv
from abaw_pipeline.report.curves import audio_valid
from abaw_pipeline.report.plots import _stretches
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


def test_the_plot_of_a_clip(tmp_path: Path, clip: tuple) -> None:
    plot_clip(tmp_path / "a.png", *clip)
    plot_clip(tmp_path / "b.png", *clip)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_stretches_of_frames_last_until_the_next_frame() -> None:
    times = np.array([0.0, 1, 2, 4, 5])
    assert _stretches(times, np.array([1, 0, 1, 1, 1], bool)) == [(0, 1), (2, 4)]
    assert _stretches(times, np.zeros(5, bool)) == []
    assert _stretches(times[:1], np.ones(1, bool)) == [(0, 0.04)]


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
