"""Real recordings, and what only shows at length: memory and drift."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import h5py
import numpy as np
import pytest

from abaw_pipeline.media.build import build_media
from abaw_pipeline.media.decode import pictures
from abaw_pipeline.media.resample import RATE
from abaw_pipeline.media.settings import FaceSettings, MediaSettings
from abaw_pipeline.media.sound import write_sound
from abaw_pipeline.media.store import read_clock, read_sound
from abaw_pipeline.runtime.paths import Layout
from tests.media_fixtures import (
    CLIPS,
    YUNET,
    clicks,
    clip_of,
    flashes,
    portrait,
    steady,
    uneven,
    write_clip,
    write_crops,
)

NAMES = {
    "driving_a.mp4": 448,
    "driving_b.mp4": 536,
    "no_audio_stream.mp4": 78,
    "silent_track.mp4": None,
    "stage_640x360.mp4": 275,
    "talking_512_25fps.mp4": 200,
    "vfr_face_noface.mov": 169,
}
real = pytest.mark.skipif(not CLIPS.is_dir() or not YUNET.exists(), reason="needs the real clips and YuNet's model")


def made(name, tmp_path):
    layout = Layout(tmp_path, "real")
    settings = MediaSettings(faces=FaceSettings(detector="yunet", model=str(YUNET)))
    manifest = build_media([clip_of(name, CLIPS / name)], layout, settings)
    assert not manifest.skipped
    return layout, manifest.clips[name]


@real
def test_no_audio_stream(tmp_path):
    layout, entry = made("no_audio_stream.mp4", tmp_path)
    sound = read_sound(layout, "no_audio_stream.mp4")
    assert not sound.present and len(sound.samples) == 0 and entry["frames"] == 78 and entry["face_share"] > 0.95


@real
@pytest.mark.parametrize("name", NAMES)
def test_sound_and_clock_of_real_clips(name, tmp_path):
    with av.open(str(CLIPS / name)) as container:
        expected = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
    times = np.array([time for time, _ in pictures(str(CLIPS / name), 0.05, [])])
    assert len(times) == (NAMES[name] or len(expected)) and times == pytest.approx(expected)
    write_sound(str(CLIPS / name), tmp_path / "s.h5", "key")
    with h5py.File(tmp_path / "s.h5") as file:
        about, samples, heard = dict(file.attrs), file["samples"][:], file["heard"][:]
    assert about["present"] == (name != "no_audio_stream.mp4") and np.isfinite(samples).all()
    assert len(heard) == about["present"], "no gap is invented in whole sound"
    if name == "vfr_face_noface.mov":
        assert about["start_s"] == pytest.approx(2.43, abs=0.005)
    if name == "silent_track.mp4":
        assert len(samples) / RATE == pytest.approx(11.8, abs=0.05) and np.abs(samples).max() < 1e-3
    if name == "stage_640x360.mp4":
        assert len(samples) / RATE == pytest.approx(10.0, abs=0.05) and times[0] == pytest.approx(0.852, abs=1e-3)


@pytest.mark.slow
@real
@pytest.mark.parametrize("name", NAMES)
def test_faces_of_real_clips(name, tmp_path):
    layout, entry = made(name, tmp_path)
    assert entry["frames"] == len(read_clock(layout, name)) == (NAMES[name] or entry["frames"])
    if name in ("talking_512_25fps.mp4", "driving_a.mp4", "driving_b.mp4"):
        assert entry["face_share"] >= 0.95
    if name == "vfr_face_noface.mov":
        assert 0.35 <= entry["face_share"] <= 0.7


MINUTES_15 = {
    "14": steady(14, 900),
    "24": steady(24, 900),
    "29.97": steady(30000 / 1001, 900),
    "60": steady(60, 900),
    "variable": uneven(25, 900),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MINUTES_15)
def test_flash_and_click_stay_together_for_fifteen_minutes(name, tmp_path):
    times = MINUTES_15[name]
    at = [40, len(times) // 2, len(times) - 40]
    path = tmp_path / "x.mp4"
    write_clip(path, times, flashes(len(times), at), clicks(times[-1], times[at], 44_100), 44_100)
    write_sound(str(path), tmp_path / "s.h5", "key")
    with h5py.File(tmp_path / "s.h5") as file:
        samples, heard, start = file["samples"][:], file["heard"][:], float(file.attrs["start_s"])
    shown = [time for time, frame in pictures(str(path), 0.05, []) if frame.to_ndarray(format="gray").mean() > 128]
    assert len(heard) == 1 and shown == pytest.approx(times[at], abs=2e-5)
    for time in shown:
        first = round((time - start) * RATE)
        begins = np.flatnonzero(np.abs(samples[first - 800 : first + 800]) > 0.3)[0] - 800
        assert abs(begins) <= 16, "within 1 ms"


PEAK = """
import sys
from pathlib import Path
from abaw_pipeline.media.build import build_media
from abaw_pipeline.media.settings import FaceSettings, FrameSettings, MediaSettings
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.types import Clip
source, results, kind, model = sys.argv[1:]
if kind == "official":
    faces, clip = FaceSettings(), Clip("x", "x", crops=source, rate=25.0, digest=source)
else:
    faces = FaceSettings(detect_width=160, detector=kind, model=model or None)
    clip = Clip("x", "x", video=source, digest=source)
manifest = build_media([clip], Layout(Path(results), "toy"), MediaSettings(faces=faces, frames=FrameSettings()))
assert manifest.clips["x"]["face_share"] > 0.9, manifest
# Not getrusage: its peak survives exec, so it would tell the size of the test process.
print(*(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def _source(kind: str, seconds: int, tmp_path: Path) -> Path:
    """A recording of the portrait with noise for sound, or a folder of crops as many."""
    times = steady(25, seconds)
    if kind == "official":
        return write_crops(tmp_path / f"{seconds}", range(1, len(times) + 1))
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, seconds * 44_100).astype(np.float32)
    return write_clip(tmp_path / f"{seconds}.mp4", times, (portrait() for _ in times), sound, 44_100)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
@pytest.mark.parametrize("kind", ["haar", "yunet", "official"])
def test_peak_memory_does_not_grow_with_the_clip(kind, tmp_path):
    if kind == "yunet" and not YUNET.is_file():
        pytest.skip(f"no face detector at {YUNET}")
    peaks = {}
    for seconds in (20, 200):
        source = _source(kind, seconds, tmp_path)
        model = str(YUNET.resolve()) if kind == "yunet" else ""
        command = [sys.executable, "-c", PEAK, str(source), str(tmp_path / "results"), kind, model]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
        peaks[seconds] = float(done.stdout.split()[-1])
    print(f"{kind}: peak memory {peaks[20]:.0f} MB for 20 s, {peaks[200]:.0f} MB for 200 s")
    assert peaks[200] <= 1.15 * peaks[20]
