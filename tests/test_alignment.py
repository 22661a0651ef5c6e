"""The frame that `fbank` shows a click in is the frame that shows the flash, through decoding, clock and alignment."""

from __future__ import annotations

import numpy as np
import pytest

from abaw_pipeline.features.audio.fbank import FilterBank
from abaw_pipeline.features.extract import extract
from abaw_pipeline.features.plan import plan_feature
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.media.build import build_media
from abaw_pipeline.media.decode import pictures
from abaw_pipeline.media.settings import MediaSettings
from abaw_pipeline.media.store import read_clock
from abaw_pipeline.runtime.paths import Layout
from tests.media_fixtures import clicks, clip_of, flashes, steady, uneven, write_clip

RATES = {"14": 14.0, "24": 24.0, "29.97": 30000 / 1001, "60": 60.0, "variable": 25.0}


def _times(name: str, seconds: float) -> np.ndarray:
    return uneven(RATES[name], seconds) if name == "variable" else steady(RATES[name], seconds)


def _frames(name: str, seconds: float, tmp_path) -> tuple[list[int], list[int]]:
    """Frames (from 0) of the flashes as decoded, and of the clicks as `fbank` has them."""
    times = _times(name, seconds)
    at = [len(times) // 40, len(times) // 2, len(times) - 1 - len(times) // 40]
    path = write_clip(
        tmp_path / "x.mp4", times, flashes(len(times), at), clicks(times[-1] + 1, times[at], 44_100), 44_100
    )
    clip, layout = clip_of("x", path), Layout(tmp_path, "d")
    made = build_media([clip], layout, MediaSettings())
    plan = plan_feature("fbank", FilterBank.Settings(extractor="fbank"), False)
    manifest = extract(plan, [clip], layout, None, 8, made)
    assert not manifest.skipped and manifest.clips["x"]["rows"] == len(read_clock(layout, "x")) == len(times)
    loudness = FeatureStore(layout.feature_store("fbank")).read("x").values.mean(axis=1)
    shown = [
        row for row, (_, f) in enumerate(pictures(str(path), 0.05, [])) if f.to_ndarray(format="gray").mean() > 128
    ]
    assert shown == at
    reach = len(times) // 45  # look for each click anywhere in its part of the clip
    return shown, [int(np.argmax(loudness[max(0, i - reach) : i + reach])) + max(0, i - reach) for i in at]


@pytest.mark.parametrize("name", RATES)
def test_click_and_flash_fall_on_one_frame(name, tmp_path):
    shown, heard = _frames(name, 12, tmp_path)
    assert np.abs(np.subtract(shown, heard)).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", RATES)
def test_click_and_flash_fall_on_one_frame_for_fifteen_minutes(name, tmp_path):
    shown, heard = _frames(name, 900, tmp_path)
    print(f"{name}: flashes on frames {shown}, clicks on {heard}")
    assert np.abs(np.subtract(shown, heard)).max() <= 1
