"""A feature's key changes exactly when its values may; the registry costs no heavy import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from abaw_pipeline.features.base import ExtractorSettings, Spec
from abaw_pipeline.features.plan import FeaturePlan, plan_feature
from abaw_pipeline.features.registry import EXTRACTORS, FeatureSettings
from abaw_pipeline.runtime import code, keys

ADAPTER: TypeAdapter[Any] = TypeAdapter(FeatureSettings)
RANDOM = {"source": "random"}


def _settings(**raw: Any) -> ExtractorSettings:
    return ADAPTER.validate_python(raw)


def _key(**raw: Any) -> str:
    return plan_feature("name", _settings(**raw), allow_random=True).key


def _weights(path: Path, content: bytes = b"weights", **more: Any) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"source": "file", "path": str(path), **more}


def test_key_knows_neither_order_nor_name_nor_spelt_out_defaults() -> None:
    key = _key(extractor="egemaps", level="functionals", hop_s=0.5)
    assert _key(hop_s=0.5, level="functionals", extractor="egemaps") == key
    assert _key(extractor="egemaps", level="functionals", hop_s=0.5, window_s=2.0) == key
    other = plan_feature("another", _settings(extractor="egemaps", level="functionals", hop_s=0.5), False)
    assert other.key == key


def test_key_knows_every_setting_and_the_extractor() -> None:
    keys = {
        _key(extractor="fbank"),
        _key(extractor="fbank", bins=40),
        _key(extractor="egemaps"),
        _key(extractor="egemaps", level="functionals"),
        _key(extractor="densenet", weights=RANDOM),
        _key(extractor="densenet", weights={"source": "random", "seed": 1}),
        _key(extractor="ms_va", weights=RANDOM),
        _key(extractor="ms_va", weights=RANDOM, size=96),
        _key(extractor="ms_va", weights=RANDOM, model="mobilenetv2_100"),
    }
    assert len(keys) == 9


def test_key_knows_the_bytes_of_weights_not_their_place(tmp_path: Path) -> None:
    here, there = _weights(tmp_path / "a.pth"), _weights(tmp_path / "moved" / "b.pth")
    other = _weights(tmp_path / "c.pth", b"others!")
    key = _key(extractor="densenet", weights=here)
    assert _key(extractor="densenet", weights=there) == key
    assert _key(extractor="densenet", weights=other) != key
    sha256 = keys.file_digest(tmp_path / "a.pth")
    declared = {"source": "hub", "repo": "r", "file": "f", "revision": "1", "sha256": sha256}
    assert _key(extractor="densenet", weights=declared) == key
    assert _key(extractor="densenet", weights={**declared, "sha256": None}) != key


def test_replaced_weights_file_is_noticed(tmp_path: Path) -> None:
    weights = _weights(tmp_path / "a.pth")
    before = _key(extractor="densenet", weights=weights)
    _weights(tmp_path / "a.pth", b"longer than before")
    assert _key(extractor="densenet", weights=weights) != before


def test_key_knows_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _key(extractor="fbank")
    newer = Spec("audio", "sound", 80, "float32", ("features.audio.fbank",), version=2, unit_s=0.025)
    monkeypatch.setattr(EXTRACTORS["fbank"], "spec", staticmethod(lambda settings: newer))
    assert _key(extractor="fbank") != before


@pytest.fixture
def editable_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the package's source that keys are made from."""
    for source in code.PACKAGE.rglob("*.py"):
        target = tmp_path / source.relative_to(code.PACKAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    code._module.cache_clear()
    monkeypatch.setattr(code, "PACKAGE", tmp_path)
    yield tmp_path
    code._module.cache_clear()


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    code._module.cache_clear()


def test_comments_settings_and_registry_do_not_count_but_code_does(editable_package: Path) -> None:
    fbank, densenet = _key(extractor="fbank"), _key(extractor="densenet", weights=RANDOM)
    audio = editable_package / "features" / "audio" / "fbank.py"
    _edit(audio, "WINDOW, HOP = 400, 160", "WINDOW, HOP = 400, 160  # samples")
    _edit(audio, '"""Nothing to load."""', '"""Nothing at all to load."""')
    _edit(audio, "        bins: int", "        later: int = 3\n        bins: int")
    registry = editable_package / "features" / "registry.py"
    _edit(registry, '"fbank": FilterBank', '"fbank": FilterBank, "new": FilterBank')
    assert (_key(extractor="fbank"), _key(extractor="densenet", weights=RANDOM)) == (fbank, densenet)
    _edit(audio, "HOP = 400, 160", "HOP = 400, 161")
    assert _key(extractor="fbank") != fbank
    assert _key(extractor="densenet", weights=RANDOM) == densenet
    _edit(editable_package / "networks" / "densenet342.py", "stride=2", "stride=1")
    assert _key(extractor="densenet", weights=RANDOM) != densenet


def test_alignment_counts_for_sound_alone(editable_package: Path) -> None:
    fbank, densenet = _key(extractor="fbank"), _key(extractor="densenet", weights=RANDOM)
    _edit(editable_package / "features" / "align.py", "_SLACK = 1e-9", "_SLACK = 1e-8")
    assert _key(extractor="fbank") != fbank
    assert _key(extractor="densenet", weights=RANDOM) == densenet


def test_weights_must_be_chosen_and_random_ones_allowed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"densenet.*file.*hub.*random"):
        plan_feature("d", _settings(extractor="densenet"), True)
    with pytest.raises(ValueError, match="allow_random_weights: true"):
        plan_feature("d", _settings(extractor="densenet", weights=RANDOM), False)
    with pytest.raises(ValueError, match="takes none"):
        plan_feature("f", _settings(extractor="fbank", weights=RANDOM), True)
    missing = {"source": "file", "path": str(tmp_path / "none.pth")}
    with pytest.raises(ValueError, match=r"none\.pth: no such file"):
        plan_feature("d", _settings(extractor="densenet", weights=missing), True)


def test_random_weights_are_told(tmp_path: Path) -> None:
    plan = plan_feature("d", _settings(extractor="densenet", weights=RANDOM), True)
    assert plan.random and plan.about["random_weights"] is True
    solid = plan_feature("d", _settings(extractor="densenet", weights=_weights(tmp_path / "w.pth")), False)
    assert not solid.random and solid.about["random_weights"] is False
    assert str(tmp_path) not in str(solid.about)


NETWORK: dict[str, Any] = {"weights": RANDOM}
MINIMAL: dict[str, dict[str, Any]] = {
    "compare": {},
    "deepspectrum": NETWORK,
    "densenet": NETWORK,
    "ecapatdnn": NETWORK,
    "egemaps": {},
    "external": {"modality": "visual", "format": "npy", "path": "{clip}.npy", "dimension": 8},
    "fau": NETWORK,
    "fbank": {},
    "hubert": NETWORK,
    "inception_casia": NETWORK,
    "inception_vggface2": NETWORK,
    "ires100": NETWORK,
    "mae": NETWORK,
    "ms_va": NETWORK,
    "poster_vit": {**NETWORK, "vit": RANDOM},
    "regnet": NETWORK,
    "scene": NETWORK,
    "stack": {"experiments": ["a"], "task": "va"},
    "stand_in_audio": NETWORK,
    "stand_in_text": {**NETWORK, "transcripts": {"source": "made"}},
    "stand_in_visual": NETWORK,
    "text": {**NETWORK, "dimension": 16, "transcripts": {"source": "made"}},
    "vggish": NETWORK,
    "wav2vec": NETWORK,
}


@pytest.mark.parametrize("name", sorted(EXTRACTORS))
def test_every_extractor_keeps_the_contract(name: str) -> None:
    settings = _settings(extractor=name, **MINIMAL[name])
    plan: FeaturePlan = plan_feature("x", settings, True)
    assert plan.spec.dimension > 0 and plan.spec.code
    assert plan.spec.network == ("weights" in MINIMAL[name])
    assert (plan.spec.unit_s > 0) == (plan.spec.source == "sound")
    for module in plan.spec.code:
        source = code.PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
        assert EXTRACTORS[name].__module__ == f"abaw_pipeline.{module}" and ast.parse(source.read_text())


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_registry_and_plan_import_nothing_heavy() -> None:
    heavy = {"torch", "torchvision", "torchaudio", "timm", "cv2", "av", "zarr", "opensmile", "matplotlib", "h5py"}
    heavy |= {"transformers", "speechbrain", "tokenizers"}
    heavy = {
        "torch",
        "torchvision",
        "torchaudio",
        "timm",
        "cv2",
        "av",
        "zarr",
        "opensmile",
        "matplotlib",
        "h5py",
        "transformers",
    }
    code = "import sys; from abaw_pipeline.features import plan, registry; print(*sys.modules)"
    assert heavy.isdisjoint(_python(code).split())


def test_torch_relatives_import_beside_any_torch() -> None:
    code = """
import pathlib
before = (pathlib.Path.glob, pathlib.Path.exists)
from abaw_pipeline.runtime import torch_compat
assert (pathlib.Path.glob, pathlib.Path.exists) == before
import torch, torchaudio, torchvision, timm
from torchaudio.compliance import kaldi
print(tuple(kaldi.fbank(torch.zeros(1, 16000), num_mel_bins=80).shape))
print(tuple(torchvision.models.resnet18(num_classes=3).eval()(torch.zeros(1, 3, 32, 32)).shape))
"""
    assert _python(code).split("\n")[:2] == ["(98, 80)", "(1, 3)"]
