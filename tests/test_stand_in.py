"""Stand-ins for heavy networks: random, small, and still made of what they see, hear and read."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from abaw_pipeline.features.audio.stand_in import BANDS, WINDOW, StandInAudio, log_energies
from abaw_pipeline.features.base import SAMPLE_RATE
from abaw_pipeline.features.compute import Embedder
from abaw_pipeline.features.random_matrix import random_matrix
from abaw_pipeline.features.text.stand_in import StandInText
from abaw_pipeline.features.visual.stand_in import StandInVisual
from abaw_pipeline.types import Clock

CPU = torch.device("cpu")


def _settings(kind, seed=0, **more):
    raw = {"extractor": kind, "dimension": 6, "weights": {"source": "random", "seed": seed}, **more}
    return {"stand_in_visual": StandInVisual, "stand_in_audio": StandInAudio, "stand_in_text": StandInText}[
        kind
    ].Settings.model_validate(raw)


def test_standardised_inputs_give_outputs_of_variance_one():
    outputs = np.random.default_rng(0).standard_normal((4000, 64)) @ random_matrix(0, 64, 32)
    assert outputs.var() == pytest.approx(1, rel=0.1)
    assert not np.array_equal(random_matrix(0, 8, 4), random_matrix(1, 8, 4))


def test_a_picture_halfway_between_two_has_the_features_between_theirs():
    extractor = StandInVisual(_settings("stand_in_visual"))
    extractor.load(CPU)
    rng = np.random.default_rng(0)
    dark = rng.integers(0, 128, (8, 8, 3), np.uint8)
    bright = dark + 100
    batch = torch.from_numpy(np.stack([extractor.prepare(one) for one in (dark, bright, dark + 50)]))
    first, last, middle = Embedder(extractor, 6, CPU, "float32", False).launch(batch)()
    np.testing.assert_allclose(middle, (first + last) / 2, atol=1e-5)
    assert np.abs(first - last).max() > 0.1


def test_energies_of_white_noise_are_its_power():
    noise = np.random.default_rng(0).standard_normal((400, WINDOW)) * 0.1
    window = np.hanning(WINDOW)
    expected = np.log(0.01 * np.square(window).mean())
    means = np.log(np.exp(log_energies(noise)).mean(axis=0))
    np.testing.assert_allclose(means, np.full(BANDS, expected), atol=0.05)


def test_a_tone_is_heard_in_its_own_band():
    times = np.arange(WINDOW) / SAMPLE_RATE
    width = SAMPLE_RATE / 2 / BANDS
    for band in (1, 7, 14):
        tone = np.sin(2 * np.pi * (band + 0.5) * width * times)[None]
        assert log_energies(tone).argmax() == band


def test_rows_of_sound_do_not_depend_on_blocks(monkeypatch):
    extractor = StandInAudio(_settings("stand_in_audio"))
    extractor.load(CPU)
    sound = np.random.default_rng(0).standard_normal(SAMPLE_RATE).astype(np.float32)
    whole = np.concatenate([values for values, _ in extractor.describe(sound)])
    monkeypatch.setattr("abaw_pipeline.features.audio.stand_in.BLOCK", 3)
    np.testing.assert_array_equal(np.concatenate([values for values, _ in extractor.describe(sound)]), whole)


def test_words_have_vectors_of_their_own(tmp_path):
    (tmp_path / "c.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nyes\n\n00:01.000 --> 00:02.000\nno\n")
    transcripts = {"source": "files", "folder": str(tmp_path), "pattern": "{clip}.vtt"}
    extractor = StandInText(_settings("stand_in_text", transcripts=transcripts))
    extractor.load(CPU)
    (yes, no), _ = extractor.encoder.word_states(["Yes", "no"])
    assert not np.allclose(yes, no)
    np.testing.assert_array_equal(extractor.table("c", Clock(np.arange(2.0))).values, [yes, no])
    clip = StandInText(_settings("stand_in_text", transcripts=transcripts, spread="clip"))
    clip.load(CPU)
    np.testing.assert_allclose(clip.table("c", Clock(np.arange(2.0))).values, [(yes + no) / 2] * 2, rtol=1e-6)
