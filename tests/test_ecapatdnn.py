"""``ecapatdnn`` is speechbrain's network behind speechbrain's front end, window by window."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from abaw_pipeline.features.audio import ecapatdnn
from abaw_pipeline.features.audio.ecapatdnn import EcapaTDNN
from abaw_pipeline.networks.ecapa import ECAPA_TDNN, Fbank, InputNormalization
from tests.sounds import CPU, RATE, check_edges, described, loaded, varied, zeros_file

WINDOW = RATE // 2


def test_every_loaded_module_can_still_be_looked_at() -> None:
    """As hypothesis looks at them; speechbrain's stand-ins would import what is not installed."""
    for module in list(sys.modules.values()):
        getattr(module, "__file__", None)


def _public(lin_neurons: int = 192) -> ECAPA_TDNN:
    """The network of ``spkrec-ecapa-voxceleb``, as its own settings state it."""
    return ECAPA_TDNN(
        input_size=80,
        channels=[1024, 1024, 1024, 1024, 3072],
        kernel_sizes=[5, 3, 3, 3, 1],
        dilations=[1, 2, 3, 4, 1],
        attention_channels=128,
        lin_neurons=lin_neurons,
    )


@pytest.fixture(scope="module")
def extractor() -> EcapaTDNN:
    return loaded(EcapaTDNN, extractor="ecapatdnn", window_s=0.5, hop_s=0.25)


def test_rows_are_speechbrains_called_directly(extractor: EcapaTDNN) -> None:
    sound = varied(2)
    values, times = described(extractor, sound)
    np.testing.assert_allclose(times, 0.25 * np.arange(8))
    padded = np.concatenate([np.zeros(WINDOW, np.float32), sound, np.zeros(WINDOW, np.float32)])
    direct = _public()
    direct.load_state_dict(extractor.network.state_dict())
    direct.eval()
    bands, centred = Fbank(n_mels=80), InputNormalization(norm_type="sentence", std_norm=False)
    for row, time in enumerate(times):
        first = WINDOW + round(time * RATE) - WINDOW // 2
        window = torch.from_numpy(padded[first : first + WINDOW])[None]
        with torch.inference_mode():
            expected = direct(centred(bands(window), torch.ones(1)))[0, 0].numpy()
        np.testing.assert_allclose(values[row], expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_loudness_does_not_matter_to_the_sentence_mean(extractor: EcapaTDNN) -> None:
    sound = varied(2)
    loud, soft = described(extractor, sound)[0], described(extractor, sound / 4)[0]
    np.testing.assert_allclose(loud, soft, rtol=1e-2, atol=1e-3 * np.abs(loud).max())


def test_thirty_seconds_in_blocks_are_the_same_in_one_piece(
    extractor: EcapaTDNN, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, rows = varied(30), []
    other = EcapaTDNN(EcapaTDNN.Settings(extractor="ecapatdnn", window_s=0.5, hop_s=1.0))
    other.device, other.bands, other.centre, other.network = CPU, extractor.bands, extractor.centre, extractor.network
    for batch in (9, 1000):
        monkeypatch.setattr(ecapatdnn, "BATCH", batch)
        rows.append(described(other, sound)[0])
    assert len(rows[0]) == 30
    np.testing.assert_allclose(rows[0], rows[1], rtol=1e-3, atol=1e-4 * np.abs(rows[1]).max())


def test_edges(extractor: EcapaTDNN) -> None:
    check_edges(extractor)


def test_public_layout_loads_and_one_renamed_key_stops(tmp_path: Path) -> None:
    with torch.device("meta"):
        network = _public()
    assert sum(p.numel() for p in network.parameters()) == 20_767_552
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    assert len(shapes) == 231
    saved = zeros_file(tmp_path / "embedding_model.ckpt", shapes)
    ours = loaded(EcapaTDNN, extractor="ecapatdnn", window_s=0.5, weights=saved).network
    assert not any(parameter.any() for parameter in ours.parameters())
    shapes["fc.conv.scale"] = shapes.pop("fc.conv.weight")
    saved = zeros_file(tmp_path / "renamed.ckpt", shapes)
    with pytest.raises(ValueError, match=r"1 missing, 1 unexpected, 0 mis-shaped.*fc\.conv\.weight.*renamed"):
        loaded(EcapaTDNN, extractor="ecapatdnn", window_s=0.5, weights=saved)


def test_dimension_is_what_the_settings_say(tmp_path: Path) -> None:
    settings = EcapaTDNN.Settings(extractor="ecapatdnn", lin_neurons=512, window_s=1.5)
    assert EcapaTDNN.spec(settings).dimension == 512 and EcapaTDNN.spec(settings).unit_s == 1.5
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in _public().state_dict().items()}
    saved = zeros_file(tmp_path / "embedding_model.ckpt", shapes)
    with pytest.raises(ValueError, match=r"fc\.conv\.weight is 192x6144x1, not 512x6144x1"):
        loaded(EcapaTDNN, extractor="ecapatdnn", lin_neurons=512, weights=saved)
