"""Sound lands on the frame that was on screen while it sounded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abaw_pipeline.features import align as module
from abaw_pipeline.features.align import FRAMES, align, align_blocks
from abaw_pipeline.features.audio.egemaps import EGeMAPS
from abaw_pipeline.features.audio.fbank import FilterBank
from abaw_pipeline.types import Clock, FrameTable

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
@settings(max_examples=60)
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


def _one_by_one(
    values: np.ndarray, centres: np.ndarray, start_s: float, heard: np.ndarray, unit_s: float, clock: Clock
) -> FrameTable:
    """The definition written out, frame after frame."""
    spans = [(start_s + first / RATE, start_s + last / RATE) for first, last in heard]

    def is_heard(time: float) -> bool:
        return any(first <= time + 1e-9 and time < last - 1e-9 for first, last in spans)

    kept = [(start_s + centre, row) for centre, row in zip(centres, values, strict=True) if is_heard(start_s + centre)]
    steps = np.diff([time for time, _ in kept[: module.SPACED]])
    reach = max(unit_s, float(np.median(steps)) if len(steps) else 0.0) + 1e-9
    edges = [*clock.times, clock.times[-1] + clock.period]
    out, valid = np.zeros((len(clock), values.shape[1]), np.float32), np.zeros(len(clock), bool)
    for frame, (begin, end) in enumerate(pairwise(edges)):
        middle, inside = (begin + end) / 2, [row for time, row in kept if begin - 1e-9 <= time < end - 1e-9]
        before = [(time, row) for time, row in kept if time < middle][-1:]
        after = [(time, row) for time, row in kept if time >= middle][:1]
        near = [(time, row) for time, row in before + after if abs(time - middle) <= reach]
        if not is_heard(begin) or not (inside or near):
            continue
        valid[frame] = True
        if inside:
            out[frame] = np.mean(inside, axis=0, dtype=np.float64)
        elif len(near) == 2:
            (left, low), (right, high) = near
            weight = (middle - left) / max(right - left, 1e-9)
            out[frame] = low * (1 - weight) + high * weight
        else:
            out[frame] = near[0][1]
    return FrameTable(out, valid)


@given(data=st.data())
@settings(max_examples=150)
def test_in_blocks_or_at_once_it_is_the_definition(data: st.DataObject) -> None:
    """Dense and sparse rows, gaps, sound that starts before or after the pictures, any cut into blocks."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    hop = data.draw(st.sampled_from([0.01, 0.02, 0.2, 0.48, 1.5]))
    rows = data.draw(st.integers(0, 300 if hop < 0.1 else 40))
    centres = 0.0125 + hop * np.arange(rows)
    if data.draw(st.booleans()):
        centres += rng.uniform(0, 0.9 * hop, rows)
    values = rng.normal(size=(rows, 3)).astype(np.float32)
    marks = np.sort(rng.integers(0, int((rows * hop + 0.1) * RATE), 2 * data.draw(st.integers(0, 3))))
    heard = np.unique(marks).reshape(-1)[: len(np.unique(marks)) // 2 * 2].reshape(-1, 2)
    heard = heard if len(heard) else np.array([[0, int((rows * hop + 0.1) * RATE)]])
    steps = data.draw(st.sampled_from([[1 / 25], [1 / 60, 1 / 30, 0.0], [0.7], [1 / 3000]]))
    times = np.cumsum(rng.choice(steps, data.draw(st.sampled_from([1, 2, 50, FRAMES + 7]))))
    start_s, unit_s = data.draw(st.sampled_from([-3.0, 0.0, 0.31, 2.0])), data.draw(st.sampled_from([0.025, 1.0]))
    cuts = np.sort(rng.integers(0, rows + 1, data.draw(st.integers(0, 5))))
    blocks = list(zip(np.split(values, cuts), np.split(centres, cuts), strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SPACED", data.draw(st.sampled_from([2, 5, 128])))  # few: frames come out early
        tables = list(align_blocks(blocks, 3, start_s, heard, unit_s, Clock(times)))
        at_once = align(values, centres, start_s, heard, unit_s, Clock(times))
        expected = _one_by_one(values, centres, start_s, heard, unit_s, Clock(times))
    assert max(len(table.valid) for table in tables) <= FRAMES
    np.testing.assert_array_equal(np.concatenate([table.values for table in tables]), at_once.values)
    np.testing.assert_array_equal(np.concatenate([table.valid for table in tables]), at_once.valid)
    np.testing.assert_array_equal(at_once.valid, expected.valid)
    np.testing.assert_allclose(at_once.values, expected.values, atol=1e-5)


def test_frames_come_out_while_sound_goes_on_and_old_rows_are_let_go() -> None:
    """Two hours of rows of which no more than a block and a frame's worth is held; silence is no exception."""
    seen: list[int] = []

    def blocks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for minute in range(120):
            seen.append(minute)
            centres = 60 * minute + np.arange(0, 60, 0.5)
            yield centres[:, None].astype(np.float32), centres

    clock = Clock(np.arange(120 * 60 * 5) / 5)
    out = align_blocks(blocks(), 1, 0.0, _heard(7200), 1.0, clock)
    first = [next(out) for _ in range(3)]
    assert len(first) == 3 and len(seen) <= 5
    rest = list(out)
    assert sum(len(table.valid) for table in first + rest) == len(clock) and len(seen) == 120
    silent = list(align_blocks([], 1, 0.0, np.empty((0, 2)), 1.0, clock))
    assert max(len(table.valid) for table in silent) == FRAMES and not any(table.valid.any() for table in silent)


def test_rows_of_another_dimension_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\), the spec says \(rows, 4\)"):
        list(align_blocks([(np.zeros((2, 3)), np.arange(2.0))], 4, 0.0, _heard(1), 0.1, Clock(np.arange(3.0))))
