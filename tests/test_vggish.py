"""``vggish`` is AudioSet's VGGish: its front end, its names, its order of things, its PCA, whatever the blocks."""

from __future__ import annotations

import cmath
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from abaw_pipeline.features.audio import vggish
from abaw_pipeline.features.audio.fbank import FilterBank
from abaw_pipeline.features.audio.vggish import PATCH_S, VGGishFeatures
from abaw_pipeline.features.audio.vggish_front import PATCH, LogMelPatches
from abaw_pipeline.networks.checkpoint import load_weights
from abaw_pipeline.networks.vggish import PCA, VGGish, quantised
from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before torchaudio
from tests.sounds import CPU, RANDOM, RATE, check_edges, described, loaded, varied, zeros_file

from torchaudio.compliance import kaldi  # isort: skip

KEYS = Path(__file__).resolve().parents[2] / "shared" / "reference" / "state_dict_keys" / "vggish.txt"


@pytest.fixture(scope="module")
def extractor() -> VGGishFeatures:
    return loaded(VGGishFeatures, extractor="vggish")


def _with(extractor: VGGishFeatures, **settings: Any) -> VGGishFeatures:
    """The same network under other settings."""
    other = VGGishFeatures(VGGishFeatures.Settings(extractor="vggish", weights=RANDOM, **settings))
    other.device, other.front, other.network, other.pca = CPU, extractor.front, extractor.network, None
    return other


def _published() -> dict[str, torch.Size]:
    if not KEYS.is_file():
        pytest.skip("the list of published keys is not on this machine")
    rows = (line.split() for line in KEYS.read_text().splitlines())
    return {name: torch.Size(map(int, shape.split("x"))) for name, shape in rows}


def _written_out(frame: np.ndarray) -> list[float]:
    """One row of the log-mel picture, term by term: Hann, DFT, magnitude, triangles over HTK's mel, logarithm."""
    hann = [0.5 - 0.5 * math.cos(2 * math.pi * n / 400) for n in range(400)]
    windowed = np.array([float(x) * w for x, w in zip(frame, hann, strict=True)])
    turn = np.array([cmath.exp(-2j * math.pi * n / 512) for n in range(512)])
    magnitudes = [abs(sum(windowed * turn[np.arange(400) * k % 512])) for k in range(257)]

    def mel(hertz: float) -> float:
        return 1127 * math.log(1 + hertz / 700)

    step = (mel(7500) - mel(125)) / 65
    row = []
    for band in range(1, 65):
        centre = mel(125) + band * step
        heights = [max(0.0, 1 - abs(mel(k * 16000 / 512) - centre) / step) for k in range(257)]
        row.append(math.log(sum(h * m for h, m in zip(heights, magnitudes, strict=True)) + 0.01))
    return row


def test_front_end_is_its_definition_in_float64() -> None:
    sound = varied(PATCH_S)
    patch = LogMelPatches(CPU)(torch.from_numpy(sound)[None])
    assert patch.shape == (1, *VGGish.INPUT) and patch.dtype == torch.float32 and len(sound) == PATCH
    for row in (0, 1, 50, 95):
        expected = _written_out(sound[row * 160 : row * 160 + 400])
        np.testing.assert_allclose(patch[0, 0, row].numpy(), expected, atol=1e-6)  # float32 of values up to 5


def test_silence_is_the_logarithm_of_the_offset() -> None:
    patch = LogMelPatches(CPU)(torch.zeros(1, PATCH))
    torch.testing.assert_close(patch, torch.full_like(patch, math.log(0.01)))


def test_names_shapes_and_size_are_published() -> None:
    with torch.device("meta"):
        network = VGGish()
    assert {name: tensor.shape for name, tensor in network.state_dict().items()} == _published()
    assert len(network.state_dict()) == 18
    assert sum(p.numel() for p in network.parameters()) == 72_141_184


def test_public_layout_loads_and_one_renamed_key_stops(tmp_path: Path) -> None:
    shapes = _published()
    network = load_weights(VGGish(), zeros_file(tmp_path / "w.pth", shapes), VGGish.INPUT)
    assert not any(parameter.any() for parameter in network.parameters())
    shapes["embeddings.5.bias"] = shapes.pop("embeddings.4.bias")
    with pytest.raises(ValueError, match=r"1 missing, 1 unexpected, 0 mis-shaped.*embeddings\.4\.bias.*renamed"):
        load_weights(VGGish(), zeros_file(tmp_path / "w.pth", shapes), VGGish.INPUT)


def test_maps_are_flattened_by_height_width_channel(extractor: VGGishFeatures) -> None:
    patches = extractor.front(torch.from_numpy(varied(PATCH_S))[None])
    flat: list[torch.Tensor] = []
    hook = extractor.network.embeddings.register_forward_pre_hook(lambda _, inputs: flat.append(inputs[0]))
    with torch.inference_mode():
        extractor.network(patches)
        maps = extractor.network.features(patches)
    hook.remove()
    assert maps.shape == (1, 512, 6, 4)
    for row, column in ((0, 1), (3, 0), (5, 3)):
        first = (row * 4 + column) * 512
        assert maps[0, :, row, column].any()
        torch.testing.assert_close(flat[0][0, first : first + 512], maps[0, :, row, column])


def test_rows_are_the_originals_patches_and_cover_the_ends(extractor: VGGishFeatures) -> None:
    sound = varied(3.5)
    values, times = described(extractor, sound)
    np.testing.assert_allclose(times, 0.4875 + 0.96 * np.arange(4))
    whole = np.concatenate([sound, np.zeros(PATCH, np.float32)])
    cut = np.stack([whole[k * 15_360 : k * 15_360 + PATCH] for k in range(4)])
    with torch.inference_mode():
        expected = extractor.network(extractor.front(torch.from_numpy(cut)))
    np.testing.assert_allclose(values, expected.numpy(), rtol=1e-4, atol=1e-5)
    assert (values >= 0).all()
    assert described(_with(extractor, hop_s=0.04), sound[:RATE])[1][0] == pytest.approx(0.0075)


def test_edges(extractor: VGGishFeatures) -> None:
    check_edges(extractor)


def _in_one_piece(extractor: VGGishFeatures, sound: np.ndarray) -> np.ndarray:
    """Rows without zeros past the end: log-mel of the whole sound at once, cut into patches of 96 frames."""
    with torch.inference_mode():
        frames = extractor.front(torch.from_numpy(sound)[None])[0, 0]
        patches = frames[: len(frames) // 96 * 96].reshape(-1, 1, 96, 64)
        rows = [extractor.network(part).numpy() for part in patches.split(25)]
    return np.concatenate(rows)


def test_thirty_seconds_in_blocks_are_the_same_in_one_piece(
    extractor: VGGishFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = varied(30)
    whole = _in_one_piece(extractor, sound)
    monkeypatch.setattr(vggish, "BATCH", 7)
    values, _ = described(extractor, sound)
    assert len(values) == 31
    np.testing.assert_allclose(values, whole, rtol=1e-4, atol=1e-4 * np.abs(whole).max())


@pytest.mark.slow
def test_ten_minutes_in_blocks_are_the_same_in_one_piece(extractor: VGGishFeatures) -> None:
    sound = varied(600)
    whole = _in_one_piece(extractor, sound)
    values, times = described(extractor, sound)
    assert len(whole) == 624 and len(times) == 625
    np.testing.assert_allclose(values[:624], whole, rtol=1e-4, atol=1e-4 * np.abs(whole).max())
    filter_bank = FilterBank(FilterBank.Settings(extractor="fbank"))
    rows, _ = described(filter_bank, sound)
    at_once = kaldi.fbank(torch.from_numpy(sound)[None], num_mel_bins=80, sample_frequency=RATE, dither=0.0)
    np.testing.assert_allclose(rows, at_once.numpy(), rtol=0, atol=1e-5)


def test_pca_and_quantising_are_written_out() -> None:
    rng = np.random.default_rng(1)
    vectors, means, rows = rng.standard_normal((128, 128)) / 8, rng.random((128, 1)), rng.random((3, 128))
    pca = PCA()
    tensors = {"pca_eigen_vectors": torch.tensor(vectors).float(), "pca_means": torch.tensor(means).float()}
    pca.load_state_dict(tensors)
    components = (vectors @ (rows.T - means)).T
    with torch.inference_mode():
        np.testing.assert_allclose(pca(torch.tensor(rows).float()), components, atol=1e-5)
    ends = torch.tensor([-9.0, -2.0, -1.99, 0.1, 2.0, 7.0])
    assert quantised(ends).tolist() == [0, 0, 1, 134, 255, 255]


def test_settings_decide_what_becomes_of_the_embedding(extractor: VGGishFeatures) -> None:
    sound, rows = varied(2), {}
    pca = load_weights(PCA(), RANDOM, PCA.INPUT)
    for quantise in ("none", "bytes", "unit"):
        other = _with(extractor, pca=RANDOM, quantise=quantise)
        assert other.spec(other.settings).weights == ("weights", "pca")
        other.pca = pca
        rows[quantise], _ = described(other, sound)
    with torch.inference_mode():
        components = pca(torch.from_numpy(described(extractor, sound)[0]))
    np.testing.assert_allclose(rows["none"], components, rtol=1e-4, atol=1e-4)
    assert np.unique(rows["bytes"]).size > 20 and set(np.unique(rows["bytes"])) <= set(range(256))
    np.testing.assert_allclose(rows["unit"], rows["bytes"] / 255, rtol=1e-6)
    with pytest.raises(ValueError, match="quantise: 'unit' is of PCA components; give 'pca'"):
        VGGishFeatures.Settings(extractor="vggish", weights=RANDOM, quantise="unit")


def test_pca_is_loaded_from_its_own_file(tmp_path: Path) -> None:
    shapes = {"pca_eigen_vectors": torch.Size([128, 128]), "pca_means": torch.Size([128, 1])}
    loaded_pca = load_weights(PCA(), zeros_file(tmp_path / "pca.pth", shapes), PCA.INPUT)
    assert not any(parameter.any() for parameter in loaded_pca.parameters())
