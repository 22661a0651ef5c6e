"""``deepspectrum``: pictures as a plot would show them, and torchvision's DenseNet121 on them."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from matplotlib import colormaps
from torch.nn import functional

from abaw_pipeline.features.audio import deepspectrum
from abaw_pipeline.features.audio.deepspectrum import DeepSpectrum
from abaw_pipeline.features.audio.spectrogram_pictures import SpectrogramPictures
from abaw_pipeline.features.weights import FileWeights
from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before torchvision
from tests.sounds import CPU, RATE, check_edges, described, loaded, varied, zeros_file

from torchvision.models import densenet121  # isort: skip


@pytest.fixture(scope="module")
def extractor() -> DeepSpectrum:
    return loaded(DeepSpectrum, extractor="deepspectrum")


def _tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def _picture(sound: np.ndarray, range_db: float = 80.0) -> np.ndarray:
    """``(224, 224, 3)`` RGB."""
    return SpectrogramPictures(range_db, CPU)(torch.from_numpy(sound)[None])[0].permute(1, 2, 0).numpy()


def _painted(sound: np.ndarray, range_db: float) -> np.ndarray:
    """The same by numpy, matplotlib and OpenCV."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    starts = range(0, len(sound) - 511, 256)
    magnitude = np.stack([np.abs(np.fft.rfft(sound[s : s + 512].astype(np.float64) * hann)) for s in starts], axis=1)
    level = 20 * np.log10(np.maximum(magnitude, 1e-5))
    level = np.maximum(level, level.max() - range_db)
    height = (level - level.min()) / (level.max() - level.min())
    pixel = np.arange(227)
    rows, columns = ((226.5 - pixel) / 227 * 257).astype(int), ((pixel + 0.5) / 227 * len(starts)).astype(int)
    plot = np.ascontiguousarray(colormaps["viridis"](height[rows][:, columns], bytes=True)[:, :, :3])
    return cv2.resize(plot, (224, 224), interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize("range_db", [80.0, 30.0])
def test_picture_is_what_the_plotting_libraries_paint(range_db: float) -> None:
    sound = varied(1)
    ours, theirs = _picture(sound, range_db), _painted(sound, range_db).astype(np.float32)
    assert ours.std() > 20
    assert np.abs(ours - theirs).max() <= 1  # OpenCV rounds to whole colours


@pytest.mark.parametrize("hertz", [500, 2000, 7000])
def test_tone_lies_at_its_frequency_counted_from_the_bottom(hertz: float) -> None:
    picture = _picture(_tone(hertz))
    brightest = picture[:, :, 1].mean(1).argmax()  # viridis grows greener from dark to bright
    assert brightest == pytest.approx(223.5 - 224 * hertz / 8000, abs=1.5)


def test_time_runs_from_left_to_right_and_loudness_does_not_matter() -> None:
    sound = np.concatenate([_tone(1000, 0.5), np.zeros(RATE // 2, np.float32)])
    picture = _picture(sound)
    darkest = picture.min(axis=(0, 1))[1]
    assert picture[196, 2:100, 1].min() > 150 and picture[:, 130:, 1].max() == pytest.approx(darkest, abs=1e-3)
    loud, soft = _picture(varied(1)), _picture(varied(1) / 8)
    np.testing.assert_allclose(loud, soft, atol=2)  # a level at the edge of two colours may take either


def test_silence_is_all_in_the_darkest_colour() -> None:
    darkest = np.array(colormaps["viridis"](0, bytes=True)[:3])
    expected = np.broadcast_to(darkest, (224, 224, 3))
    # OpenCV's last digits differ with its threads, which extraction of pictures turns off.
    np.testing.assert_allclose(_picture(np.zeros(RATE, np.float32)), expected, atol=1e-3)


def test_row_is_the_mean_of_torchvisions_last_maps_on_imagenets_scale(extractor: DeepSpectrum) -> None:
    direct = densenet121(weights=None)
    direct.load_state_dict({**direct.state_dict(), **extractor.network.state_dict()})
    direct.eval()
    sound = varied(3)
    values, times = described(extractor, sound)
    np.testing.assert_allclose(times, 0.5 * np.arange(6))
    picture = _picture(sound[RATE : 2 * RATE]) / 255  # centred on 1.5 s
    scaled = (picture - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    with torch.inference_mode():
        maps = direct.features(torch.from_numpy(scaled).float().permute(2, 0, 1)[None])
        expected = functional.relu(maps).mean((2, 3))[0].numpy()
    np.testing.assert_allclose(values[3], expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def _public() -> dict[str, torch.Size]:
    with torch.device("meta"):
        network = densenet121(weights=None)
    assert sum(p.numel() for p in network.parameters()) == 7_978_856
    return {name: tensor.shape for name, tensor in network.state_dict().items()}


def _load(weights: FileWeights) -> torch.nn.Module:
    return loaded(DeepSpectrum, extractor="deepspectrum", weights=weights).network


def test_public_layouts_load_and_one_renamed_key_stops(tmp_path: Path) -> None:
    shapes = _public()
    network = _load(zeros_file(tmp_path / "w.pth", shapes))
    assert len(shapes) == 727 and len(network.state_dict()) == 725
    assert sum(p.numel() for p in network.parameters()) == 6_953_856
    assert not any(parameter.any() for parameter in network.parameters())
    older = {re.sub(r"(denselayer\d+\.\w+?)([12]\.)", r"\1.\2", name): shape for name, shape in shapes.items()}
    assert "features.denseblock1.denselayer1.norm.1.weight" in older
    _load(zeros_file(tmp_path / "older.pth", older))
    shapes["features.last.weight"] = shapes.pop("features.norm5.weight")
    with pytest.raises(ValueError, match=r"1 missing, 1 unexpected, 0 mis-shaped.*features\.norm5\.weight.*renamed"):
        _load(zeros_file(tmp_path / "renamed.pth", shapes))


def test_thirty_seconds_in_blocks_are_the_same_in_one_piece(
    extractor: DeepSpectrum, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, rows = varied(30), []
    other = DeepSpectrum(DeepSpectrum.Settings(extractor="deepspectrum", hop_s=3.0))
    other.device, other.pictures, other.network = CPU, extractor.pictures, extractor.network
    other.mean, other.deviation = extractor.mean, extractor.deviation
    for batch in (4, 1000):
        monkeypatch.setattr(deepspectrum, "BATCH", batch)
        rows.append(described(other, sound)[0])
    assert len(rows[0]) == 10
    np.testing.assert_allclose(rows[0], rows[1], rtol=1e-3, atol=1e-4 * np.abs(rows[1]).max())


def test_edges(extractor: DeepSpectrum) -> None:
    check_edges(extractor)
