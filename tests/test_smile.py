"""``egemaps`` and ``compare`` give what openSMILE gives for the whole sound at once, in pieces that do not show."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import opensmile
import pytest
import torch

from abaw_pipeline.features.audio import smile
from abaw_pipeline.features.audio.compare import VOICING, ComParE
from abaw_pipeline.features.audio.egemaps import EGeMAPS
from tests.sounds import Tape, described

RATE = 16_000
LLD, DELTAS = opensmile.FeatureLevel.LowLevelDescriptors, opensmile.FeatureLevel.LowLevelDescriptors_Deltas
FUNCTIONALS = opensmile.FeatureLevel.Functionals
COMPARE = opensmile.FeatureSet.ComParE_2016
SETS = {"v02": "eGeMAPSv02", "v01a": "eGeMAPSv01a", "v01b": "eGeMAPSv01b"}
EXTRACTORS: dict[str, Any] = {"egemaps": EGeMAPS, "compare": ComParE}


def _voice(seconds: float) -> np.ndarray:
    """Harmonics of a gliding pitch in syllables with silence between, a digital silence in the middle, and noise."""
    time = np.arange(round(seconds * RATE)) / RATE
    phase = (
        2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 0.31 * time) + 15 * np.sin(2 * np.pi * 1.7 * time)) / RATE
    )
    loudness = np.clip(np.sin(2 * np.pi * 0.7 * time) + 0.3 * np.sin(2 * np.pi * 2.9 * time) + 0.2, 0, None)
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(time))
    voice = 0.15 * loudness * sum(np.sin(k * phase) / k for k in range(1, 20)) + noise
    voice[len(time) // 2 : len(time) // 2 + RATE] = 0
    return voice.astype(np.float32)


def _extractor(name: str, **settings: Any) -> Any:
    extractor = EXTRACTORS[name](EXTRACTORS[name].Settings(extractor=name, **settings))
    extractor.load(torch.device("cpu"))
    return extractor


def _direct(feature_set: Any, level: Any, samples: np.ndarray) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return opensmile.Smile(feature_set, level).process_signal(samples, RATE)


@pytest.mark.parametrize(("version", "dimension"), [("v02", 25), ("v01a", 23), ("v01b", 23)])
def test_egemaps_llds_are_opensmiles(version: str, dimension: int) -> None:
    samples = _voice(1.5)
    values, times = described(_extractor("egemaps", set=version), samples)
    table = _direct(opensmile.FeatureSet[SETS[version]], LLD, samples)
    np.testing.assert_array_equal(values, table.to_numpy(np.float32))
    assert values.shape == (len(times), dimension)
    spans = np.array([(start.total_seconds(), end.total_seconds()) for start, end in table.index])
    np.testing.assert_allclose(times[:-1], spans[:-1].mean(1))  # the end of the last span is that of the sound
    np.testing.assert_allclose(np.diff(times), 0.01)


def _same_voicing_deltas(found: np.ndarray, direct: np.ndarray) -> None:
    """To 1e-5 of their spread; the last 0.1 s are openSMILE's own affair."""
    np.testing.assert_array_less(np.abs(found - direct)[:-10].max(0), 1e-5 * direct.std(0) + 1e-12)


def test_compare_llds_are_opensmiles() -> None:
    samples = _voice(6)
    values, times = described(_extractor("compare"), samples)
    table, deltas = _direct(COMPARE, LLD, samples), _direct(COMPARE, DELTAS, samples)
    assert values.shape == (len(times), 130) and values.dtype == np.float32
    assert list(table.columns[:VOICING]) == [column.removesuffix("_de") for column in deltas.columns[:VOICING]]
    np.testing.assert_array_equal(values[:, :65], table.to_numpy(np.float32))
    direct = deltas.to_numpy(np.float32)[: len(values)]
    np.testing.assert_array_equal(values[:, 65 + VOICING :], direct[:, VOICING:])
    _same_voicing_deltas(values[:, 65 : 65 + VOICING], direct[:, :VOICING])


@pytest.mark.parametrize("name", ["egemaps", "compare"])
def test_chunks_are_not_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = _voice(40)
    whole, times = described(_extractor(name), samples)
    monkeypatch.setattr(smile, "CHUNK", 700)
    blocks = list(_extractor(name).describe(samples))
    assert [len(values) for values, _ in blocks[:-1]] == [700] * 5
    np.testing.assert_array_equal(np.concatenate([values for values, _ in blocks]), whole)
    np.testing.assert_array_equal(np.concatenate([t for _, t in blocks]), times)


def test_without_context_chunks_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = _voice(20)
    whole, _ = described(_extractor("compare"), samples)
    monkeypatch.setattr(smile, "CHUNK", 700)
    monkeypatch.setattr(smile, "BEFORE", 50)
    values, _ = described(_extractor("compare"), samples)
    assert np.abs(values - whole)[700:800].max() > 0.01


@pytest.mark.parametrize("level", ["lld", "functionals"])
def test_sound_is_read_piece_by_piece(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smile, "CHUNK", 500)
    extractor, read = _extractor("egemaps", level=level, hop_s=2.0), []
    for seconds in (22, 36):
        sound = Tape(_voice(seconds))
        described(extractor, sound)  # type: ignore[arg-type]
        read.append(sound.longest)
    assert read[0] == read[1] <= 20 * RATE


def test_appended_sound_changes_the_end_alone() -> None:
    samples = _voice(8)
    for name in ("egemaps", "compare"):
        longer, _ = described(_extractor(name), samples)
        shorter, _ = described(_extractor(name), samples[: 6 * RATE])
        np.testing.assert_array_equal(longer[:500], shorter[:500])


def test_opensmiles_deltas_of_voicing_fade_and_local_ones_do_not() -> None:
    """Where openSMILE mends its divisor, the first assertion fails, and ``voicing_deltas`` is no longer needed."""
    second = _voice(1.2)[: RATE // 2]
    samples = np.tile(np.concatenate([second, np.zeros(RATE // 2, np.float32)]), 12)
    fading = _direct(COMPARE, DELTAS, samples).to_numpy()[:, :VOICING]
    assert np.abs(fading[1000:1100]).max(0)[0] < 0.2 * np.abs(fading[100:200]).max(0)[0]
    local, _ = described(_extractor("compare", voicing_deltas="local"), samples)
    early, late = local[200:300, 65 : 65 + VOICING], local[1000:1100, 65 : 65 + VOICING]
    np.testing.assert_allclose(late, early, atol=1e-6)
    assert np.abs(early).max(0)[0] > 0.1


def test_local_deltas_are_the_regression_inside_voiced_stretches() -> None:
    values, _ = described(_extractor("compare", voicing_deltas="local"), _voice(4))
    pitch, delta = values[:, 0].astype(np.float64), values[:, 65]
    inside = 2 + np.flatnonzero(np.lib.stride_tricks.sliding_window_view(pitch != 0, 5).all(1))
    far, near = pitch[inside + 2] - pitch[inside - 2], pitch[inside + 1] - pitch[inside - 1]
    np.testing.assert_allclose(delta[inside], (2 * far + near) / 10, rtol=1e-5, atol=1e-5)
    silent = 2 + np.flatnonzero(~np.lib.stride_tricks.sliding_window_view(pitch != 0, 5).any(1))
    assert len(inside) > 50 and len(silent) > 50 and not delta[silent].any()


@pytest.mark.parametrize(
    ("name", "feature_set", "dimension"), [("egemaps", "eGeMAPSv02", 88), ("compare", "ComParE_2016", 6373)]
)
def test_functionals_describe_the_padded_window_around_their_time(name: str, feature_set: str, dimension: int) -> None:
    samples = _voice(2.0)
    values, times = described(_extractor(name, level="functionals", window_s=1.0, hop_s=0.5), samples)
    np.testing.assert_allclose(times, [0.0, 0.5, 1.0, 1.5])
    padded = np.pad(samples, RATE // 2)
    for row, first in zip(values, range(0, 2 * RATE, RATE // 2), strict=True):
        direct = _direct(opensmile.FeatureSet[feature_set], FUNCTIONALS, padded[first : first + RATE])
        np.testing.assert_array_equal(row[None], direct.to_numpy(np.float32))
    assert values.shape == (4, dimension)


def test_functionals_in_blocks_keep_their_times(monkeypatch: pytest.MonkeyPatch) -> None:
    extractor, samples = _extractor("egemaps", level="functionals", window_s=0.5, hop_s=0.3), _voice(2)
    values, times = described(extractor, samples)
    monkeypatch.setattr(smile, "BLOCK", 3)
    assert [len(v) for v, _ in extractor.describe(samples)] == [3, 3, 1]
    np.testing.assert_array_equal(described(extractor, samples)[0], values)
    np.testing.assert_allclose(times, 0.3 * np.arange(7))


@pytest.mark.parametrize("level", ["lld", "functionals"])
@pytest.mark.parametrize("name", ["egemaps", "compare"])
@pytest.mark.parametrize("sound", ["silence", "voice", "loud"])
def test_silence_and_shortness_give_finite_rows(name: str, level: str, sound: str) -> None:
    extractor = _extractor(name, level=level)
    samples = {"silence": np.zeros(RATE, np.float32), "voice": _voice(1), "loud": np.ones(RATE, np.float32)}[sound]
    for count in (0, 1, 800, 959, 960, 5000, RATE):
        values, times = described(extractor, samples[:count])
        assert np.isfinite(values).all() and len(values) == len(times)
        assert (len(values) > 0) == (count >= (960 if level == "lld" else 1))


def test_full_scale_does_not_turn_over() -> None:
    """openSMILE alone makes -1.0 of 1.0."""
    loud = np.clip(3 * _voice(1), -1, 1)
    just_below = np.clip(loud, -1, 32767 / 32768)
    assert loud.max() == 1.0
    values, _ = described(_extractor("egemaps"), loud)
    np.testing.assert_array_equal(
        values, _direct(opensmile.FeatureSet.eGeMAPSv02, LLD, just_below).to_numpy(np.float32)
    )
    assert np.abs(values - _direct(opensmile.FeatureSet.eGeMAPSv02, LLD, loud).to_numpy()).max() > 1e-3
