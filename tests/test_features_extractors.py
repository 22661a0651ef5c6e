"""Each extractor gives what its network or library gives, on the input that its weights expect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from abaw_pipeline.features.audio.fbank import BLOCK, HOP, WINDOW, FilterBank
from abaw_pipeline.features.visual.densenet import DenseNet
from abaw_pipeline.features.visual.ires100 import IRes100
from abaw_pipeline.features.visual.ms_va import MODELS, MobileNetVA
from abaw_pipeline.features.visual.pictures import HALF, IMAGENET, standardised
from abaw_pipeline.features.weights import FileWeights, RandomWeights
from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before timm and torchaudio
from tests.pictures import seen
from tests.sounds import described

import timm  # isort: skip
from torchaudio.compliance import kaldi  # isort: skip

RATE = 16_000
RANDOM = RandomWeights(source="random", seed=0)
CPU = torch.device("cpu")


def _noise(seconds: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    tone = np.sin(2 * np.pi * 180 * np.arange(int(seconds * RATE)) / RATE)
    return (0.3 * tone + 0.02 * rng.standard_normal(len(tone))).astype(np.float32)


def _picture(size: int = 112, seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def _fbank(bins: int = 80) -> FilterBank:
    return FilterBank(FilterBank.Settings(extractor="fbank", bins=bins))


@pytest.mark.parametrize("bins", [40, 80])
def test_fbank_is_torchaudios(bins: int) -> None:
    samples = _noise(1.5)
    values, times = described(_fbank(bins), samples)
    direct = kaldi.fbank(
        torch.from_numpy(samples)[None],
        num_mel_bins=bins,
        sample_frequency=RATE,
        dither=0.0,
        frame_length=25.0,
        frame_shift=10.0,
    )
    assert values.dtype == np.float32 and values.shape == (148, bins)
    np.testing.assert_array_equal(values, direct.numpy())
    np.testing.assert_allclose(times, 0.0125 + 0.01 * np.arange(148))


def test_fbank_in_blocks_is_fbank_at_once() -> None:
    samples = _noise((BLOCK + 300) * HOP / RATE)
    values, times = described(_fbank(20), samples)
    direct = kaldi.fbank(torch.from_numpy(samples)[None], num_mel_bins=20, dither=0.0).numpy()
    assert values.shape == direct.shape == (len(times), 20)
    np.testing.assert_allclose(values, direct, atol=1e-4)


@pytest.mark.parametrize(("samples", "rows"), [(0, 0), (WINDOW - 1, 0), (WINDOW, 1), (WINDOW + HOP, 2)])
def test_fbank_of_hardly_any_sound(samples: int, rows: int) -> None:
    values, times = described(_fbank(), np.zeros(samples, np.float32))
    assert values.shape == (rows, 80) and times.shape == (rows,)


def test_densenet_sees_grey_64_by_the_training_sets_statistics() -> None:
    extractor, picture = DenseNet(DenseNet.Settings(extractor="densenet", weights=RANDOM)), _picture()
    (prepared,) = seen(extractor, picture).numpy()
    grey = cv2.cvtColor(picture[:, :, ::-1], cv2.COLOR_BGR2GRAY)
    expected = (cv2.resize(grey, (64, 64)).astype(np.float64) - 101.63449) / 59.74126
    assert prepared.shape == (1, 64, 64) and prepared.dtype == np.float32
    np.testing.assert_allclose(prepared[0], expected, atol=1e-5)


def test_ires100_sees_112_between_minus_one_and_one() -> None:
    extractor = IRes100(IRes100.Settings(extractor="ires100", weights=RANDOM))
    picture = _picture()
    np.testing.assert_allclose(seen(extractor, picture)[0], (picture.transpose(2, 0, 1) / 255 - 0.5) / 0.5, atol=1e-6)
    assert seen(extractor, _picture(224)).shape == (1, 3, 112, 112)


def test_ires100_gives_a_vector_per_picture() -> None:
    extractor = IRes100(IRes100.Settings(extractor="ires100", weights=RANDOM))
    extractor.load(CPU)
    batch = seen(extractor, _picture(seed=0), _picture(seed=1))
    with torch.inference_mode():
        output = extractor.embed(batch)
        torch.testing.assert_close(extractor.embed(batch[1:]), output[1:], rtol=1e-3, atol=1e-3)
    assert output.shape == (2, 512) and 1e-2 < output.abs().mean() < 100


@pytest.mark.parametrize("statistics", [IMAGENET, HALF, ((0.4,), (0.25,))])
def test_pictures_are_standardised_by_channel(statistics: Any) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 40, 60, len(statistics[0])), np.uint8)
    mean, deviation = np.array(statistics)
    expected = ((pictures / 255 - mean) / deviation).transpose(0, 3, 1, 2)
    found = standardised(torch.from_numpy(pictures), statistics)
    assert found.dtype == torch.float32 and found.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("model", sorted(MODELS))
def test_mobilenets_keep_timms_dimension_and_normalisation(model: Any) -> None:
    settings = MobileNetVA.Settings(extractor="ms_va", model=model, size=64, weights=RANDOM)
    extractor = MobileNetVA(settings)
    extractor.load(CPU)
    config = timm.get_pretrained_cfg(model)
    dimension, (mean, deviation) = MODELS[model]
    assert (config.mean, config.std) == (mean, deviation)
    black, white = seen(extractor, *(np.full((112, 112, 3), v, np.uint8) for v in (0, 255)))
    np.testing.assert_allclose(black[:, 5, 5], -np.array(mean) / deviation, atol=1e-6)
    np.testing.assert_allclose(white[:, 5, 5], (1 - np.array(mean)) / deviation, atol=1e-6)
    batch = seen(extractor, *(_picture(seed=s) for s in range(3)))
    with torch.inference_mode():
        output = extractor.embed(batch)
    assert output.shape == (3, dimension) == (3, MobileNetVA.spec(settings).dimension)
    assert torch.isfinite(output).all() and 1e-3 < output.abs().mean() < 100
    assert (output[0] - output[1]).abs().mean() > 0.02 * output.abs().mean()


def test_mobilenet_takes_a_whole_timm_checkpoint(tmp_path: Path) -> None:
    torch.manual_seed(0)
    whole = timm.create_model("mobilenetv3_small_100", num_classes=2).eval()
    torch.save({"state_dict": whole.state_dict()}, tmp_path / "va.pth")
    weights = FileWeights(source="file", path=str(tmp_path / "va.pth"))
    extractor = MobileNetVA(
        MobileNetVA.Settings(extractor="ms_va", model="mobilenetv3_small_100", size=64, weights=weights)
    )
    extractor.load(CPU)
    batch = seen(extractor, _picture())
    with torch.inference_mode():
        expected = whole.forward_head(whole.forward_features(batch), pre_logits=True)
        torch.testing.assert_close(extractor.embed(batch), expected)
