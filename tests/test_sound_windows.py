"""Windows of sound: where they lie, what they hold, and that reading piece by piece changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from abaw_pipeline.features.audio.windows import centred_windows
from tests.sounds import RATE, Tape, varied


def _all(sound: np.ndarray, window: int, hop_s: float, batch: int = 7) -> tuple[np.ndarray, np.ndarray]:
    batches = list(centred_windows(sound, window, hop_s, batch))
    assert all(len(windows) == len(centres) <= batch for windows, centres in batches)
    return np.concatenate([w for w, _ in batches]), np.concatenate([c for _, c in batches])


@pytest.mark.parametrize("window", [15_600, 801, 32_000])
@pytest.mark.parametrize("hop_s", [0.96, 1 / 30, 0.2])
def test_window_is_the_sound_around_its_centre_with_zeros_past_the_ends(window: int, hop_s: float) -> None:
    sound = varied(2.5)
    windows, centres = _all(sound, window, hop_s)
    padded = np.concatenate([np.zeros(window), sound, np.zeros(window)])
    first = np.rint(centres * RATE - window / 2).astype(int)
    for start, content in zip(first, windows, strict=True):
        np.testing.assert_array_equal(content, padded[window + start : 2 * window + start])
    assert windows.dtype == np.float32 and 0 in first
    assert 0 <= centres[0] < hop_s and 2.5 - hop_s - 1 / RATE <= centres[-1] < 2.5
    np.testing.assert_allclose(np.diff(centres), hop_s, atol=1.01 / RATE)


def test_neither_batches_nor_what_follows_change_a_window() -> None:
    sound = varied(3)
    whole, centres = _all(sound, 15_600, 0.07, batch=1000)
    for batch in (1, 5):
        windows, times = _all(sound, 15_600, 0.07, batch)
        np.testing.assert_array_equal(windows, whole)
        np.testing.assert_array_equal(times, centres)
    shorter, times = _all(sound[: 2 * RATE], 15_600, 0.07)
    inside = times + 0.4875 <= 2
    np.testing.assert_array_equal(shorter[inside], whole[: inside.sum()])
    np.testing.assert_array_equal(times, centres[: len(times)])


def test_at_least_half_of_every_window_is_sound() -> None:
    ones = np.ones(10_000, np.float32)
    for length in range(0, 1_000, 50):
        assert not list(centred_windows(ones[:length], 2_000, 0.01, 4))
    for length in (1_000, 1_500, 2_000, 10_000):
        windows, _ = _all(ones[:length], 2_000, 0.01)
        assert windows.mean(1).min() >= 0.5


def test_longer_sound_is_read_in_pieces_of_the_same_length() -> None:
    longest = []
    for seconds in (10, 100):
        tape = Tape(np.zeros(seconds * RATE, np.float32))
        for _ in centred_windows(tape, 15_600, 0.25, 8):
            pass
        longest.append(tape.longest)
    assert longest[0] == longest[1] == 7 * 4_000 + 15_600
