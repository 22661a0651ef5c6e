"""Sound lands on the frame that was on screen while it sounded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abaw_pipeline.features.align import align
from abaw_pipeline.features.audio.egemaps import EGeMAPS
from abaw_pipeline.features.audio.fbank import FilterBank
from abaw_pipeline.types import Clock

RATE = 16_000
RATES = [14.0, 24.0, 30000 / 1001, 60.0]
CLOCKS = [*map(str, RATES), "vfr"]


def _rows(seconds: float, hop: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
    """Rows that state their own time."""
    centres = np.arange(0.0125, seconds, hop)
    return centres[:, None].astype(np.float64), centres


def _heard(seconds: float) -> np.ndarray:
    return np.array([[0, round(seconds * RATE)]])


def _vfr(seconds: float, seed: int = 0) -> np.ndarray:
    steps = np.random.default_rng(seed).choice([1 / 60, 1 / 30, 1 / 15], size=int(seconds * 60))
    times = np.cumsum(steps) - steps[0]
    return times[times < seconds]


@pytest.mark.parametrize("rate", RATES)
def test_every_row_is_the_time_it_stands_for_even_after_15_minutes(rate: float) -> None:
    seconds = 900.0
    values, centres = _rows(seconds)
    times = np.arange(int(seconds * rate)) / rate
    table = align(values, centres, 0.0, _heard(seconds), 0.025, Clock(times))
    middle = times + 0.5 / rate
    assert table.valid.all()
    # The mean of the rows inside an interval is off its middle by half a hop at most, at the end as at the start
    # (no row is centred in the first 12.5 ms: frame 0 is left out).
    assert np.abs(table.values[:-1, 0] - middle[:-1])[1:].max() <= 0.005 + 1e-4


@pytest.mark.parametrize("times", [*(np.arange(int(900 * r)) / r for r in RATES), _vfr(900)], ids=CLOCKS)
def test_a_single_loud_row_lands_on_the_frame_on_screen(times: np.ndarray) -> None:
    values, centres = _rows(900)
    clicks = np.random.default_rng(1).choice(len(centres) - 100, size=50, replace=False)
    clicks = np.append(clicks, [0, len(centres) - 200])
    values[:] = 0
    values[clicks] = 1
    table = align(values, centres, 0.0, _heard(900), 0.025, Clock(times))
    shown = np.searchsorted(times, centres[clicks] + 1e-9, side="right") - 1
    assert set(np.flatnonzero(table.values[:, 0] > 0.1)) >= set(shown)
    assert np.count_nonzero(table.values[:, 0]) <= 2 * len(shown)  # neighbours only by interpolation


@pytest.mark.parametrize("extractor", ["fbank", "egemaps"])
@pytest.mark.parametrize("times", [*(np.arange(int(6 * r)) / r for r in RATES), _vfr(6)], ids=CLOCKS)
def test_a_click_is_loudest_on_the_frame_of_its_flash(extractor: str, times: np.ndarray) -> None:
    if extractor == "fbank":
        described, column = FilterBank(FilterBank.Settings(extractor="fbank")), slice(None)
    else:
        described, column = EGeMAPS(EGeMAPS.Settings(extractor="egemaps")), slice(0, 1)  # loudness
    described.load(None)  # type: ignore[arg-type]
    flashes = np.searchsorted(times, [0.7, 3.0, 5.5])
    samples = (1e-4 * np.random.default_rng(0).standard_normal(6 * RATE)).astype(np.float32)
    for flash in flashes:
        first = round(float(times[flash]) * RATE)
        samples[first : first + 80] += 0.8
    ((values, centres),) = described.describe(samples)
    table = align(values, centres, 0.0, _heard(6), 0.06, Clock(times))
    loudness = table.values[:, column].mean(1)
    for flash in flashes:
        near = np.arange(flash - 5, flash + 6)
        assert abs(near[np.argmax(loudness[near])] - flash) <= 1


@given(rate=st.floats(5, 120), shift=st.floats(-2, 2), length=st.floats(0.2, 4))
@settings(max_examples=60, deadline=None)
def test_sound_is_placed_by_its_start_and_nothing_is_invented(rate: float, shift: float, length: float) -> None:
    values, centres = _rows(length)
    times = np.arange(int(3 * rate) + 1) / rate
    table = align(values, centres, shift, _heard(length), 0.025, Clock(times))
    inside = (times >= shift - 1e-6) & (times < shift + length - 1e-6)
    assert not table.valid[~inside & (np.abs(times - shift) > 1e-3) & (np.abs(times - shift - length) > 1e-3)].any()
    assert (table.values[~table.valid] == 0).all()
    sure = (times > shift + 0.03) & (times < shift + length - 0.03)
    assert table.valid[sure].all()
    if sure.any():
        off = np.abs(table.values[sure, 0] + shift - (times[sure] + 0.5 / rate))
        assert off.max() <= 0.5 / rate + 0.011


def test_gaps_inside_the_sound_are_marked() -> None:
    values, centres = _rows(3.0)
    heard = np.array([[0, RATE], [2 * RATE, 3 * RATE]])
    times = np.arange(75) / 25
    table = align(values, centres, 0.0, heard, 0.025, Clock(times))
    np.testing.assert_array_equal(table.valid, (times < 1) | (times >= 2))
    assert (table.values[~table.valid] == 0).all()


def test_sparse_rows_are_interpolated_and_not_stretched_too_far() -> None:
    centres = np.arange(0, 4.1, 0.5)
    table = align(centres[:, None], centres, 0.0, _heard(10), 1.0, Clock(np.arange(250) / 25))
    middle = np.arange(250) / 25 + 0.02
    between = middle < 3.9
    np.testing.assert_allclose(table.values[between, 0], middle[between], atol=0.021)
    # The last row stands at 4 s and reaches 1 s; sound after that was heard but nothing describes it.
    np.testing.assert_array_equal(table.valid, middle <= 5.0)


def test_no_rows_and_no_sound_give_no_valid_frame() -> None:
    clock = Clock(np.arange(10) / 25)
    for heard in (np.empty((0, 2), int), np.array([[0, 300]])):
        table = align(np.empty((0, 3), np.float32), np.empty(0), 0.0, heard, 0.025, clock)
        assert table.values.shape == (10, 3) and not table.valid.any() and not table.values.any()


def test_repeated_and_single_times_are_no_obstacle() -> None:
    values, centres = _rows(1.0)
    table = align(values, centres, 0.0, _heard(1), 0.025, Clock(np.array([0.1, 0.1, 0.2])))
    assert table.valid.all() and np.isfinite(table.values).all()
    np.testing.assert_allclose(table.values[:2, 0], [0.1, 0.15], atol=0.0151)
    alone = align(values, centres, 0.0, _heard(1), 0.025, Clock(np.array([0.5])))
    np.testing.assert_allclose(alone.values[0, 0], 0.52, atol=0.006)
