"""Labels at their own times, put on frames: which frame takes which, and which takes none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abaw_pipeline.datasets.on_frames import at_times, in_intervals
from tests.media_fixtures import steady, uneven

NAN = np.nan


def column(*values: float) -> np.ndarray:
    return np.array(values, float)[:, None]


def same(found: np.ndarray, *expected: float) -> None:
    np.testing.assert_allclose(found[:, 0], expected, rtol=0, atol=1e-12)


@given(st.floats(1, 100), st.floats(5, 60), st.integers(0, 5), st.randoms(use_true_random=False))
def test_a_line_is_found_again_at_any_rate(labelled: float, shown_at: float, seed: int, order: object) -> None:
    shown, times = uneven(shown_at, 4, seed), np.arange(0, 5, 1 / labelled)
    rows = list(range(len(times)))
    order.shuffle(rows)  # type: ignore[attr-defined]
    found = at_times(times[rows], np.stack([times, 2 - times], axis=1)[rows], shown, smooth=True)
    inside = shown <= times[-1]
    np.testing.assert_allclose(found[inside], np.stack([shown, 2 - shown], axis=1)[inside], atol=1e-9)


def test_classes_are_those_of_the_nearest_moment() -> None:
    found = at_times(np.array([0.0, 0.1, 0.2]), column(3, 0, 7), steady(25, 0.32), smooth=False)
    same(found, 3, 3, 0, 0, 7, 7, 7, NAN)  # frames at 0, 0.04 ... 0.28; the last is 0.08 s past a label, of 0.05 s


def test_nothing_is_made_up_in_a_gap() -> None:
    times = np.array([0.0, 0.1, 0.2, 0.8, 0.9])
    found = at_times(times, column(0, 1, 2, 8, 9), steady(20, 1), smooth=True)
    same(found, *np.arange(0, 2.01, 0.5), 2, *[NAN] * 9, 8, *np.arange(8, 9.01, 0.5), 9)


def test_a_mark_between_two_labels_reaches_half_way() -> None:
    found = at_times(steady(10, 0.3), column(1, NAN, 3), steady(50, 0.22), smooth=True)
    same(found, 1, 1, 1, NAN, NAN, NAN, NAN, NAN, 3, 3, 3)


def test_labels_closer_than_frames_reach_half_a_frame() -> None:
    times = np.array([1.02, 1.021])
    same(at_times(times, column(5, 5), steady(10, 2), smooth=True)[9:12], NAN, 5, NAN)


def test_one_label_stands_for_the_frames_beside_it() -> None:
    same(at_times(np.array([0.2]), column(1), steady(10, 0.5), smooth=True), NAN, NAN, 1, NAN, NAN)


@pytest.mark.parametrize("rate", [14, 25, 30000 / 1001, 60])
def test_intervals_rounded_to_milliseconds_meet_at_the_frame_where_they_were_cut(rate: float) -> None:
    shown = steady(rate, 10)
    cuts = np.arange(0, len(shown) + 1, 7)
    spans = np.round(np.stack([cuts[:-1], cuts[1:]], axis=1) / rate, 3)
    found, empty, clashing = in_intervals(spans, np.arange(len(spans), dtype=float)[:, None], shown)
    same(found[: cuts[-1]], *np.repeat(np.arange(len(spans)), 7))
    assert np.isnan(found[cuts[-1] :]).all() and not empty and not clashing


def test_intervals_that_differ_leave_their_common_frames_without_a_label() -> None:
    spans = np.array([[0.0, 0.3], [0.2, 0.5], [0.2, 0.5], [0.61, 0.62], [9.0, 9.5]])
    found, empty, clashing = in_intervals(spans, column(1, 2, 2, 3, 3), steady(10, 0.7))
    same(found, 1, 1, NAN, 2, 2, NAN, NAN)
    assert empty == [3, 4] and clashing == [1, 2]
