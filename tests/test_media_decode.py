"""Picture clock and sound: everything at its place in time, bad recordings reported."""

from __future__ import annotations

import itertools

import av
import h5py
import numpy as np
import pytest

from abaw_pipeline.datasets.truncation import missing_bytes
from abaw_pipeline.media.clock import clock_of
from abaw_pipeline.media.decode import pictures, upright
from abaw_pipeline.media.resample import RATE
from abaw_pipeline.media.sound import write_sound
from abaw_pipeline.types import Clip
from tests.media_fixtures import clicks, flashes, steady, tone, uneven, write_clip, write_crops

RATES = {"14": steady(14, 4), "24": steady(24, 4), "29.97": steady(30000 / 1001, 4), "60": steady(60, 4)}
TIMES = {**RATES, "variable": uneven(25, 4)}


def sound_of(video, tmp_path):
    write_sound(str(video), tmp_path / "sound.h5", "key")
    with h5py.File(tmp_path / "sound.h5") as file:
        return file["samples"][:], file["heard"][:], dict(file.attrs)


def decoded_times(path, notes=None):
    return np.array([time for time, _ in pictures(str(path), 0.05, [] if notes is None else notes)])


@pytest.mark.parametrize("name", TIMES)
def test_clock_is_the_written_times(name, tmp_path):
    times, notes = TIMES[name], []
    path = write_clip(tmp_path / "x.mp4", times, flashes(len(times), []))
    clock = clock_of(Clip("x", "x", video=str(path)), 0.05, notes)
    assert clock.times == pytest.approx(times, abs=2e-5) and len(clock) == len(times) and notes == []


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
@pytest.mark.parametrize(("codec", "between"), [("mpeg4", 0), ("mpeg4", 2), ("libx264", 0), ("libx264", 2)])
def test_containers_and_codecs_agree_on_number_order_and_times_of_frames(suffix, codec, between, tmp_path):
    path, notes = tmp_path / f"x{suffix}", []
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=25, width=64, height=64, pix_fmt="yuv420p")
        stream.codec_context.max_b_frames = between
        for index, picture in enumerate(flashes(50, [0, 7, 30])):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = index
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    bright = [frame.to_ndarray(format="gray").mean() > 128 for _, frame in pictures(str(path), 0.05, notes)]
    assert np.flatnonzero(bright).tolist() == [0, 7, 30] and len(bright) == 50 and notes == []
    assert decoded_times(path) == pytest.approx(steady(25, 2), abs=1.1e-3)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("name", TIMES)
def test_flash_and_click_at_the_same_instant_stay_together(name, rate, tmp_path):
    times = TIMES[name]
    at = [5, len(times) // 2, len(times) - 4]
    path = write_clip(tmp_path / "x.mp4", times, flashes(len(times), at), clicks(4.5, times[at], rate), rate)
    samples, _, about = sound_of(path, tmp_path)
    shown = [(time, frame.to_ndarray(format="gray").mean() > 128) for time, frame in pictures(str(path), 0.05, [])]
    assert np.flatnonzero([bright for _, bright in shown]).tolist() == at
    for index in at:
        first = round((shown[index][0] - about["start_s"]) * RATE)
        energy = np.abs(samples[max(0, first - 800) : first + 800]) > 0.3
        begins = np.flatnonzero(energy)[0] - min(first, 800)
        assert abs(begins) <= 16, "the click begins within 1 ms of the flash"


def test_sound_that_starts_late_keeps_its_place(tmp_path):
    path = write_clip(tmp_path / "x.mp4", steady(25, 3), flashes(75, []), tone(1.5), sound_start=1.25)
    samples, heard, about = sound_of(path, tmp_path)
    loud = np.flatnonzero(np.abs(samples) > 0.1)
    assert about["start_s"] + loud[0] / RATE == pytest.approx(1.25, abs=2e-3)
    assert about["start_s"] + loud[-1] / RATE == pytest.approx(2.75, abs=2e-3)
    assert about["present"] and len(heard) == 1


@pytest.mark.parametrize("seconds", [1.0, 4.0])
def test_sound_shorter_and_longer_than_picture(seconds, tmp_path):
    path = write_clip(tmp_path / "x.mp4", steady(25, 2), flashes(50, []), tone(seconds, 44_100), 44_100)
    samples, _, _ = sound_of(path, tmp_path)
    assert len(samples) / RATE == pytest.approx(seconds, abs=0.05)
    assert len(decoded_times(path)) == 50


def test_pitch_and_loudness_survive_and_loud_stereo_stays_in_range(tmp_path):
    with av.open(str(tmp_path / "x.wav"), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=44_100, layout="stereo")
        wave = np.repeat((np.sign(tone(2, 44_100)) * 32_000).astype(np.int16), 2)[None]
        frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="stereo")
        frame.sample_rate = 44_100
        file.mux(stream.encode(frame))
        file.mux(stream.encode())
    samples, _, _ = sound_of(tmp_path / "x.wav", tmp_path)
    assert len(samples) == pytest.approx(2 * RATE, abs=2) and np.abs(samples).max() <= 1
    assert np.median(np.abs(samples)) == pytest.approx(32_000 / 32_768, abs=0.1)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) * RATE / len(samples) == pytest.approx(440, abs=1)


def gapped(path, starts, seconds=1.0):
    """Sound alone, in pieces that start at given times."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for start, first in itertools.product(starts, range(0, round(seconds * RATE), 1000)):
            wave = np.full((1, 1000), 8000, np.int16)
            frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, round(start * RATE) + first
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def test_gap_is_zeros_that_were_not_heard(tmp_path):
    samples, heard, about = sound_of(gapped(tmp_path / "x.mkv", [0.5, 3.0]), tmp_path)
    assert about["start_s"] == pytest.approx(0.5, abs=1e-3)
    assert heard.tolist() == [[0, RATE], [2.5 * RATE, 3.5 * RATE]]
    assert np.all(samples[RATE : round(2.5 * RATE)] == 0) and np.all(samples[:RATE] > 0.2)
    assert np.all(samples[round(2.5 * RATE) :] > 0.2)


def test_overlapping_sound_is_left_out_and_told(tmp_path):
    samples, heard, about = sound_of(gapped(tmp_path / "x.mkv", [0.0, 0.95]), tmp_path)
    assert heard.tolist() == [[0, 1.95 * RATE]] and len(samples) == 1.95 * RATE
    assert "0.05 s of sound overlapped" in about["notes"]


def test_hours_of_gap_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"jump by 7[0-9]{3} s"):
        sound_of(gapped(tmp_path / "x.mkv", [0.0, 7200.0]), tmp_path)
    assert not list(tmp_path.glob("*.h5"))


def test_without_sound_nothing_is_made_up(tmp_path):
    path = write_clip(tmp_path / "x.mp4", steady(25, 1), flashes(25, []))
    samples, heard, about = sound_of(path, tmp_path)
    assert len(samples) == 0 and heard.shape == (0, 2) and not about["present"]
    write_sound(None, tmp_path / "none.h5", "key")
    with h5py.File(tmp_path / "none.h5") as file:
        assert len(file["samples"]) == 0 and not file.attrs["present"]


def test_rotation_is_honoured(tmp_path):
    path = tmp_path / "x.mp4"
    picture = np.zeros((64, 128, 3), np.uint8)
    picture[:32, :32] = 255
    plain = write_clip(tmp_path / "plain.mp4", steady(25, 0.2), [picture] * 5)
    data = bytearray(plain.read_bytes())
    tkhd = data.index(b"tkhd") + 4
    turn = np.array([0, 1 << 16, 0, -(1 << 16), 0, 0, 128 << 16, 0, 1 << 30], ">i4")  # a quarter clockwise
    data[tkhd + 40 : tkhd + 76] = turn.tobytes()
    path.write_bytes(data)
    shown = [upright(frame, av.video.reformatter.VideoReformatter()) for _, frame in pictures(str(path), 0.05, [])]
    assert shown[0].shape == (128, 64, 3)
    assert shown[0][:32, 32:].mean() > 200 and shown[0][:32, :32].mean() < 50, "top left went to the top right"


def whole(tmp_path, **options):
    noise = np.random.default_rng(0).integers(0, 255, (250, 64, 64, 3), np.uint8)
    return write_clip(tmp_path / "whole.mp4", steady(25, 10), noise, tone(10), **options)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
@pytest.mark.parametrize("front", [True, False])
def test_truncated_mp4_is_reported(share, front, tmp_path):
    data = whole(tmp_path, **({"movflags": "faststart"} if front else {})).read_bytes()
    assert missing_bytes(tmp_path / "whole.mp4") == 0
    (tmp_path / "cut.mp4").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ValueError, match=r"cut\.mp4: the recording is truncated, its last \d+ bytes are missing"):
        decoded_times(tmp_path / "cut.mp4")


def test_truncation_shows_in_the_stated_length_where_boxes_do_not_tell(tmp_path):
    data = write_clip(tmp_path / "x.mkv", steady(25, 10), flashes(250, range(0, 250, 2)), tone(10)).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r"cut\.mkv: the recording is truncated: it states an end at 10\.\d+ s"):
        decoded_times(tmp_path / "cut.mkv")


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "is empty"), (b"no recording at all" * 50, "cannot be read"), (None, "no such")]
)
def test_what_is_no_recording_is_named(content, reason, tmp_path):
    path = tmp_path / "x.mp4"
    if content is not None:
        path.write_bytes(content)
    for read in (lambda: decoded_times(path), lambda: write_sound(str(path), tmp_path / "s.h5", "key")):
        with pytest.raises(ValueError, match=rf"x\.mp4: .*{reason}"):
            read()
    assert not (tmp_path / "s.h5").exists()


def test_destroyed_pictures_are_counted(tmp_path):
    data = bytearray(whole(tmp_path).read_bytes())
    start = data.index(b"mdat") + 2000
    data[start : start + len(data) // 2] = bytes(len(data) // 2)
    (tmp_path / "bad.mp4").write_bytes(data)
    with pytest.raises(ValueError, match=r"bad\.mp4: \d+ of \d+ pictures are undecodable or damaged"):
        decoded_times(tmp_path / "bad.mp4")


def test_frames_are_laid_over_sound_alone_at_the_stated_rate(tmp_path):
    path, notes = gapped(tmp_path / "x.mkv", [0.4]), []
    clock = clock_of(Clip("x", "x", video=str(path), rate=10.0), 0.05, notes)
    assert clock.times == pytest.approx(0.4 + np.arange(10) / 10, abs=2e-3)
    assert notes == ["a recording of sound alone: 10 frames a second are laid over it"]
    assert len(clock_of(Clip("x", "x", video=str(path), rate=0.1), 0.05, [])) == 1
    with pytest.raises(ValueError, match="no picture stream, and no frame rate is known"):
        clock_of(Clip("x", "x", video=str(path)), 0.05, [])


def test_clock_from_crop_numbers_and_rate(tmp_path):
    crops = write_crops(tmp_path / "crops", [1, 2, 5])
    clock = clock_of(Clip("x", "x", crops=str(crops), rate=25.0), 0.05, [])
    assert clock.times == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    with pytest.raises(ValueError, match="no frame rate is known"):
        clock_of(Clip("x", "x", crops=str(crops)), 0.05, [])
    with pytest.raises(ValueError, match="no numbered crop"):
        clock_of(Clip("x", "x", crops=str(write_crops(tmp_path / "none", [])), rate=25.0), 0.05, [])
    with pytest.raises(ValueError, match="neither"):
        clock_of(Clip("x", "x"), 0.05, [])


def test_recording_goes_before_crops_and_crops_before_sound_alone(tmp_path):
    crops = write_crops(tmp_path / "crops", [1, 9])
    video = write_clip(tmp_path / "x.mp4", steady(10, 0.8), flashes(8, []))
    assert len(clock_of(Clip("x", "x", video=str(video), crops=str(crops), rate=25.0), 0.05, [])) == 8
    alone = gapped(tmp_path / "x.mkv", [0.0])
    assert len(clock_of(Clip("x", "x", video=str(alone), crops=str(crops), rate=25.0), 0.05, [])) == 9
