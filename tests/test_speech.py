"""``wav2vec`` and ``hubert``: the networks of the public checkpoints, and windows of long sound that do not show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from safetensors.torch import save_file

from abaw_pipeline.features.audio.grid import batches, windows
from abaw_pipeline.features.audio.hubert import HuBERT
from abaw_pipeline.features.audio.wav2vec import Wav2Vec
from abaw_pipeline.features.registry import FeatureSettings
from abaw_pipeline.features.weights import FileWeights, RandomWeights
from abaw_pipeline.networks import speech
from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before transformers
from tests.sounds import Tape, described

import transformers  # isort: skip

RATE = 16_000
CPU = torch.device("cpu")
RANDOM = RandomWeights(source="random", seed=0)
EXTRACTORS: dict[str, Any] = {"wav2vec": Wav2Vec, "hubert": HuBERT}
FAMILIES: dict[str, speech.Family] = {"wav2vec": "wav2vec2", "hubert": "hubert"}
MODELS = [("wav2vec", "base"), ("wav2vec", "large"), ("wav2vec", "large_lv60"), ("hubert", "base")]
MODELS += [("hubert", "large_ll60k")]
SMALL = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 96}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every network with fewer and narrower layers, all else the same."""
    monkeypatch.setattr(speech, "CHANNELS", 32)
    for models in speech.ARCHITECTURES.values():
        for name, options in list(models.items()):
            monkeypatch.setitem(models, name, options | SMALL)


def _sound(seconds: float, seed: int = 0) -> np.ndarray:
    """A gliding tone under noise, both swelling irregularly."""
    rng, time = np.random.default_rng(seed), np.arange(round(seconds * RATE)) / RATE
    level = np.exp(
        np.interp(time, np.arange(0, seconds + 1, 0.3), rng.standard_normal(len(np.arange(0, seconds + 1, 0.3))))
    )
    tone = np.sin(2 * np.pi * np.cumsum(200 + 80 * np.sin(2 * np.pi * 0.37 * time)) / RATE)
    return (0.05 * level * (tone + 0.3 * rng.standard_normal(len(time)))).astype(np.float32)


def _settings(name: str, **settings: Any) -> Any:
    return EXTRACTORS[name].Settings(extractor=name, **({"weights": RANDOM} | settings))


def _extractor(name: str, **settings: Any) -> Any:
    extractor = EXTRACTORS[name](_settings(name, **settings))
    extractor.load(CPU)
    return extractor


# The networks


def _public(family: speech.Family, model: str) -> torch.nn.Module:
    """The class that the public checkpoint was saved from, its tensors without memory."""
    options = speech.ARCHITECTURES[family][model]
    with torch.device("meta"):
        if family == "hubert":
            return transformers.HubertModel(transformers.HubertConfig(**options))
        return transformers.Wav2Vec2ForPreTraining(transformers.Wav2Vec2Config(**options))


@pytest.mark.parametrize(("name", "model"), MODELS)
def test_architecture_is_that_of_the_public_checkpoint(name: str, model: str) -> None:
    """Published sizes; the public file holds besides only what training needed."""
    with torch.device("meta"):
        ours = speech.build(FAMILIES[name], model).state_dict()
    public = {
        key.removeprefix("wav2vec2."): value for key, value in _public(FAMILIES[name], model).state_dict().items()
    }
    extra = {key.split(".")[0] for key in public.keys() - ours.keys()}
    assert extra <= {"masked_spec_embed", "quantizer", "project_hid", "project_q"} and not ours.keys() - public.keys()
    assert all(ours[key].shape == public[key].shape for key in ours)
    millions = sum(value.numel() for value in ours.values()) / 1e6
    assert round(millions, 1) == (94.4 if model == "base" else 315.4)


def test_base_is_transformers_default() -> None:
    """transformers' defaults are its documented ``wav2vec2-base`` and ``hubert-base``."""
    for family, config in (("wav2vec2", transformers.Wav2Vec2Config()), ("hubert", transformers.HubertConfig())):
        options = speech.ARCHITECTURES[family]["base"]  # type: ignore[index]
        assert options == {key: getattr(config, key) for key in options}
        assert tuple(config.conv_kernel) == speech.KERNELS and tuple(config.conv_stride) == speech.STRIDES
    assert (speech.FIELD, speech.HOP) == (400, 320)


def _checkpoint(family: speech.Family, old: bool, prefix: str, seed: int) -> dict[str, torch.Tensor]:
    """A state dict with a public checkpoint's keys and heads, of small seeded tensors."""
    torch.manual_seed(seed)
    state = {key: 0.05 * torch.randn_like(value) for key, value in speech.build(family, "base").state_dict().items()}
    spelt = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    if old:
        for new, was in spelt.items():
            key = f"encoder.pos_conv_embed.conv.{new}"
            state[key.replace(new, was)] = state.pop(key)
    state["masked_spec_embed"] = torch.ones(SMALL["hidden_size"])
    named = {prefix + key: value for key, value in state.items()}
    return named | {"lm_head.weight": torch.zeros(2, 2), "quantizer.codevectors": torch.zeros(1)}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", ["wav2vec", "hubert"])
@pytest.mark.parametrize(
    ("old", "prefixed", "suffix"), [(True, True, ".bin"), (False, True, ".safetensors"), (True, False, ".bin")]
)
def test_public_checkpoints_load(name: str, old: bool, prefixed: bool, suffix: str, tmp_path: Path) -> None:
    family = FAMILIES[name]
    state = _checkpoint(family, old, f"{family}." if prefixed else "", seed=1)
    path = tmp_path / f"model{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    loaded = _extractor(name, weights=FileWeights(source="file", path=str(path)))
    plain = {key.removeprefix(f"{family}."): value for key, value in _checkpoint(family, False, "", seed=1).items()}
    own = loaded.network.state_dict()
    assert all(torch.equal(value, plain[key]) for key, value in own.items()) and not loaded.network.training


@pytest.mark.usefixtures("small")
def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    state = _checkpoint("hubert", True, "hubert.", seed=1)
    torch.save(state, tmp_path / "other.bin")
    with pytest.raises(ValueError, match="of a hubert network, not of wav2vec2"):
        _extractor("wav2vec", weights=FileWeights(source="file", path=str(tmp_path / "other.bin")))
    state["hubert.encoder.layer_norm.gain"] = state.pop("hubert.encoder.layer_norm.weight")
    torch.save(state, tmp_path / "renamed.bin")
    with pytest.raises(ValueError, match=r"1 missing, 1 unexpected.*encoder\.layer_norm\.weight"):
        _extractor("hubert", weights=FileWeights(source="file", path=str(tmp_path / "renamed.bin")))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("name", "model"), MODELS)
def test_random_networks_vary_with_the_sound_and_fit_float16(name: str, model: str) -> None:
    extractor = _extractor(name, model=model)
    for layer in ("conv", -1, 1):
        extractor.settings = _settings(name, model=model, layer=layer)
        # Not by ``described``: convolutions of a network made small give fewer values than the settings say.
        values, other = (np.concatenate([v for v, _ in extractor.describe(_sound(1, seed))]) for seed in (0, 1))
        assert np.isfinite(values.astype(np.float16)).all()
        assert np.abs(values - other).mean() > 0.02 * np.abs(values).mean() and values.std(0).mean() > 1e-3


# The settings


@pytest.mark.parametrize(("name", "model"), MODELS)
def test_dimension_follows_from_the_settings(name: str, model: str) -> None:
    spec = EXTRACTORS[name].spec
    assert spec(_settings(name, model=model)).dimension == (768 if model == "base" else 1024)
    assert spec(_settings(name, model=model, layer=[1, -1])).dimension == (768 if model == "base" else 1024)
    assert spec(_settings(name, model=model, layer="conv")).dimension == 512


def test_settings_and_dimension_import_nothing_heavy() -> None:
    code = """
import sys
from abaw_pipeline.features.registry import EXTRACTORS
for name in ("compare", "egemaps", "hubert", "wav2vec"):
    EXTRACTORS[name].spec(EXTRACTORS[name].Settings(extractor=name))
print(*{"torch", "transformers", "opensmile"} & set(sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


@pytest.mark.parametrize("layer", [13, -14, [3, 2], [1], [1, 2, 3], "last", 1.0, True, [0, "conv"]])
def test_layers_that_are_not_there_are_refused(layer: Any) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(FeatureSettings)
    with pytest.raises(ValidationError, match=r"layer|a number, a pair"):
        adapter.validate_python({"extractor": "hubert", "layer": layer})
    adapter.validate_python({"extractor": "hubert", "layer": [0, -1], "model": "large_ll60k"})


# The values


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("name", "model"), MODELS)
def test_short_sound_is_what_transformers_gives(name: str, model: str) -> None:
    """To 1e-5 where values have unit variance; sound within one window is seen whole, to its last sample."""
    samples = _sound(2.013)
    prepared = transformers.Wav2Vec2FeatureExtractor(do_normalize=True)(
        samples, sampling_rate=RATE, return_tensors="pt"
    ).input_values
    extractor = _extractor(name, model=model)
    with torch.inference_mode():
        direct = extractor.network(prepared, output_hidden_states=True)
        convolved = extractor.network.feature_extractor(prepared)[0].T
    expected = {-1: direct.last_hidden_state[0], 0: direct.hidden_states[0][0], 2: direct.hidden_states[2][0]}
    for layer, values in expected.items():
        extractor.settings = _settings(name, model=model, layer=layer)
        np.testing.assert_allclose(described(extractor, samples)[0], values, atol=1e-5)
    extractor.settings = _settings(name, model=model, layer=[1, -1])
    mean = (direct.hidden_states[1] + direct.hidden_states[2] + direct.last_hidden_state)[0] / 3
    np.testing.assert_allclose(described(extractor, samples)[0], mean, atol=1e-5)
    extractor.settings = _settings(name, model=model, layer="conv")
    np.testing.assert_allclose(np.concatenate([v for v, _ in extractor.describe(samples)]), convolved, atol=1e-5)


def test_base_is_what_transformers_gives() -> None:
    """One network at its full size."""
    samples = _sound(0.7)
    extractor = _extractor("hubert", normalise=False)
    with torch.inference_mode():
        direct = extractor.network(torch.from_numpy(samples)[None]).last_hidden_state[0]
    values, times = described(extractor, samples)
    np.testing.assert_allclose(values, direct, atol=1e-5)
    np.testing.assert_allclose(times, 0.0125 + 0.02 * np.arange(34))


@pytest.mark.usefixtures("small")
def test_a_row_is_timed_by_the_middle_of_what_its_convolutions_see() -> None:
    extractor, samples = _extractor("wav2vec", model="large_lv60", layer="conv", normalise=False), _sound(1)
    values = np.concatenate([v for v, _ in extractor.describe(samples)])
    times = np.concatenate([t for _, t in extractor.describe(samples)])
    for row in (0, 20):
        middle = round(times[row] * RATE)
        samples_ = samples.copy()
        samples_[: middle - 200] = samples_[middle + 200 :] = 0
        other = np.concatenate([v for v, _ in extractor.describe(samples_)])
        np.testing.assert_allclose(other[row], values[row], atol=1e-6)
        samples_[middle - 200] += 1
        assert np.abs(np.concatenate([v for v, _ in extractor.describe(samples_)])[row] - values[row]).max() > 1e-4


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("name", "layer"), [("wav2vec", -1), ("hubert", [0, 2])])
def test_silence_and_shortness_give_finite_rows(name: str, layer: Any) -> None:
    extractor = _extractor(name, layer=layer)
    for samples in (np.zeros(RATE, np.float32), _sound(1)):
        for count, rows in ((0, 0), (1, 0), (399, 0), (400, 1), (719, 1), (720, 2), (800, 2), (RATE, 49)):
            values, times = described(extractor, samples[:count])
            assert values.shape == (rows, SMALL["hidden_size"]) and times.shape == (rows,)
            assert np.isfinite(values).all()


# The windows


@pytest.mark.parametrize("samples", [0, 399, 400, 16_000, 80_079, 80_080, 80_400, 1_000_003])
@pytest.mark.parametrize(("own", "context"), [(50, 0), (50, 20), (250, 1), (250, 300)])
def test_windows_tile_the_sound(samples: int, own: int, context: int) -> None:
    rows = max(0, 1 + (samples - 400) // 320)
    found = list(windows(samples, own, context, 400, 320))
    assert [row for window in found for row in range(window.first, window.last)] == list(range(rows))
    for window in found:
        before = min(context, window.first)
        assert (window.skipped, window.start) == (before, (window.first - before) * 320)
        after = min(context, rows - window.last)
        seen = 1 + (window.stop - window.start - 400) // 320
        assert seen == before + window.last - window.first + after
        assert window.stop <= samples and (window.last + after < rows or window.stop == samples)
    grouped = list(batches(iter(found), 3))
    assert [window for batch in grouped for window in batch] == found
    assert all(len(batch) <= 3 and len({w.stop - w.start for w in batch}) == 1 for batch in grouped)


@pytest.mark.usefixtures("small")
def test_rows_know_neither_batch_nor_the_length_of_the_file() -> None:
    extractor, samples = _extractor("wav2vec", window_s=2.0, context_s=1.0), _sound(17)
    values, times = described(extractor, samples)
    assert len(values) == 849 and (np.diff(times) > 0).all()
    extractor.batch = 3
    blocks = [len(v) for v, _ in extractor.describe(samples)]
    assert blocks == [100, 300, 300, 100, 49]  # the first and the last windows see less and go by themselves
    np.testing.assert_allclose(described(extractor, samples)[0], values, atol=1e-5)
    longer, _ = described(extractor, np.concatenate([samples, _sound(4, seed=1)]))
    assert np.abs(longer[700:800] - values[700:800]).max() > 1e-3  # this window had reached the end
    np.testing.assert_allclose(longer[:700], values[:700], atol=1e-5)
    read = Tape(samples)
    list(extractor.describe(read))
    assert read.longest == 4 * RATE + 80  # 200 rows


@pytest.mark.usefixtures("small")
def test_a_window_is_what_transformers_gives_for_it() -> None:
    extractor, samples = _extractor("hubert", window_s=2.0, context_s=1.0), _sound(9)
    values, _ = described(extractor, samples)
    for first in (100, 200):
        piece = samples[(first - 50) * 320 : (first + 150 - 1) * 320 + 400]
        prepared = (piece - piece.mean()) / np.sqrt(piece.var() + 1e-7)
        with torch.inference_mode():
            direct = extractor.network(torch.from_numpy(prepared)[None]).last_hidden_state[0]
        np.testing.assert_allclose(values[first : first + 100], direct[50:150], atol=1e-5)


@pytest.mark.usefixtures("small")
def test_loudness_of_a_window_does_not_count_unless_it_is_asked_for() -> None:
    samples = _sound(1)
    for normalise in (True, False):
        extractor = _extractor("wav2vec", model="large_lv60", normalise=normalise, layer="conv")
        quiet, loud = (np.concatenate([v for v, _ in extractor.describe(k * samples)]) for k in (1, 4))
        assert (np.abs(loud - quiet).max() < 1e-3) == normalise


def _jumps(values: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(values, axis=0), axis=1)


def _seams(
    name: str, model: str, samples: np.ndarray, own_s: float, context_s: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Jumps between rows at seams, the jumps at the same places where windows lie half a window off, all others."""
    own = round(own_s * 50)
    extractor = _extractor(name, model=model, window_s=own_s, context_s=context_s)
    jumps = _jumps(described(extractor, samples)[0])[own // 2 :]
    shifted = _jumps(described(extractor, samples[own // 2 * 320 :])[0])
    at = np.arange(own // 2, len(jumps), own) - 1
    return jumps[at], shifted[at], np.delete(jumps, at)


@pytest.mark.usefixtures("small")
def test_seams_do_not_show() -> None:
    """A jump at a seam is as large as where there is none: at the same place within a window, and at other places."""
    samples = _sound(40)
    seams, within, others = _seams("hubert", "large_ll60k", samples, 4.0, 4.0)
    bare, bare_within, _ = _seams("hubert", "large_ll60k", samples, 4.0, 0.0)
    assert len(seams) == 9
    assert 0.95 < np.median(seams / within) < 1.05 < np.median(bare / bare_within)
    assert seams.max() <= others.max() and np.median(seams) <= np.quantile(others, 0.85)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("name", "model"), MODELS)
def test_seams_do_not_show_in_ten_minutes(name: str, model: str) -> None:
    seams, within, others = _seams(name, model, _sound(600), 20.0, 5.0)
    assert len(seams) == 29
    assert 0.93 < np.median(seams / within) < 1.07
    assert seams.max() <= others.max() and np.median(seams) <= np.quantile(others, 0.75)
