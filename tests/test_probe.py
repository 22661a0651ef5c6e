"""What a container tells without decoding is what decoding finds."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import wavfile

from abaw_pipeline.datasets.probe import probe
from abaw_pipeline.media.clock import clock_of
from abaw_pipeline.media.resample import RATE
from abaw_pipeline.media.sound import write_sound
from abaw_pipeline.types import Clip
from tests.media_fixtures import flashes, steady, tone, uneven, write_clip, write_coded


def decoded(path: Path) -> np.ndarray:
    return clock_of(Clip("x", "x", video=str(path)), 0.05, []).times


def sound(path: Path, folder: Path) -> tuple[float, float]:
    """Start and length in seconds of the sound that the media stage makes."""
    write_sound(str(path), folder / "sound.h5", "key")
    with h5py.File(folder / "sound.h5") as file:
        return float(file.attrs["start_s"]), len(file["samples"]) / RATE


@pytest.mark.parametrize(
    "times", [steady(14, 3), steady(30000 / 1001, 3), uneven(25, 3)], ids=["14", "29.97", "uneven"]
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_pictures_are_counted_and_timed(times: np.ndarray, suffix: str, tmp_path: Path) -> None:
    path = write_clip(tmp_path / f"x{suffix}", times, flashes(len(times), []), tone(3))
    found = probe(str(path))
    assert found.frames == len(times) and found.has_pictures and found.has_sound
    np.testing.assert_array_equal(found.times, decoded(path))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
@pytest.mark.parametrize("between", [0, 2])
def test_pictures_that_are_coded_out_of_order(suffix: str, codec: str, between: int, tmp_path: Path) -> None:
    path = write_coded(tmp_path / f"x{suffix}", codec, between, flashes(50, []))
    found = probe(str(path))
    np.testing.assert_array_equal(found.times, decoded(path))
    assert found.frames == 50 and found.rate == pytest.approx(25, rel=1e-3)
    assert not found.has_sound and found.sound_s == 0


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(("start", "seconds"), [(0.0, 2.0), (0.0, 3.5), (1.25, 1.5)])
def test_sound_begins_and_ends_where_it_is_heard(suffix: str, start: float, seconds: float, tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / f"x{suffix}", steady(25, 3), flashes(75, []), tone(seconds, 44_100), 44_100, sound_start=start
    )
    found = probe(str(path))
    begins, length = sound(path, tmp_path)
    assert found.sound_start_s == pytest.approx(begins, abs=2e-3)
    assert found.sound_s == pytest.approx(length, abs=1024 / 44_100), "an AAC decoder fills up the last 1,024 samples"
    assert found.sound_start_s + found.sound_s == pytest.approx(start + seconds, abs=0.03)


def test_sound_alone(tmp_path: Path) -> None:
    wavfile.write(tmp_path / "x.wav", RATE, tone(2))
    found = probe(str(tmp_path / "x.wav"))
    assert not found.has_pictures and found.frames == 0 and found.rate is None
    assert found.has_sound and found.sound_s == pytest.approx(2, abs=1e-3)


def test_damaged_files_are_told_in_one_line(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "x.mp4", steady(25, 2), flashes(50, []))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"x.mp4: the recording is truncated, its last \d+ bytes are missing"):
        probe(str(path))
    with pytest.raises(ValueError, match="no such recording"):
        probe(str(tmp_path / "y.mp4"))
