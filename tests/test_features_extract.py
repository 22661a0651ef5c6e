"""The extract stage: every clip is finished or reported, and work whose key matches is not done again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
import torch

from abaw_pipeline.features.audio.fbank import FilterBank
from abaw_pipeline.features.extract import extract
from abaw_pipeline.features.plan import FeaturePlan, plan_feature
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.features.visual.densenet import DenseNet
from abaw_pipeline.features.weights import FileWeights, RandomWeights
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.types import Clip, Skipped
from tests.media_fixtures import write_media

RATE = 16_000


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path, "toy")


def _fbank(**settings: Any) -> FeaturePlan:
    return plan_feature("fbank", FilterBank.Settings(extractor="fbank", **settings), False)


def _densenet() -> FeaturePlan:
    weights = RandomWeights(source="random", seed=0)
    return plan_feature("dense", DenseNet.Settings(extractor="densenet", weights=weights), True)


def _clips(*ids: str) -> list[Clip]:
    return [Clip(name, name) for name in ids]


def _media(layout: Layout, clip: str, frames: int = 30, sound_s: float = 1.2, seed: int = 0) -> np.ndarray:
    """Media of one clip at 25 Hz, as the media stage writes it; returns which frames have a face."""
    rng = np.random.default_rng(seed)
    valid = rng.random(frames) > 0.2
    pictures = [cv2.imencode(".jpg", rng.integers(0, 256, (112, 112, 3), np.uint8))[1] if v else b"" for v in valid]
    offsets = np.cumsum([0, *map(len, pictures)])
    packed = np.concatenate([np.frombuffer(bytes(p), np.uint8) for p in pictures])
    write_media(layout.clock(clip), {"times": np.arange(frames) / 25})
    write_media(layout.faces(clip), {"jpeg": packed, "offsets": offsets, "valid": valid}, aligned="box")
    samples = (0.1 * rng.standard_normal(int(sound_s * RATE))).astype(np.float32)
    heard = np.array([[0, len(samples)]] if len(samples) else np.empty((0, 2)), np.int64)
    write_media(layout.sound(clip), {"samples": samples, "heard": heard}, start_s=0.0, present=len(samples) > 0)
    return valid


def test_sound_gets_a_row_per_frame(layout: Layout) -> None:
    _media(layout, "a")
    plan = _fbank()
    manifest = extract(plan, _clips("a"), layout, None)
    table = FeatureStore(layout.feature_store("fbank")).read("a", manifest.clips["a"]["key"])
    assert table.values.shape == (30, 80) and table.values.dtype == np.float32 and table.valid.all()
    assert manifest.clips["a"]["rows"] == manifest.clips["a"]["valid"] == 30
    assert manifest.about == plan.about and not manifest.skipped


def test_faces_get_a_row_per_frame_and_gaps_stay(layout: Layout) -> None:
    valid = _media(layout, "a")
    manifest = extract(_densenet(), _clips("a"), layout, None, batch_size=7)
    store = FeatureStore(layout.feature_store("dense"))
    table = store.read("a")
    assert table.values.shape == (30, 342) and table.values.dtype == np.float16
    np.testing.assert_array_equal(table.valid, valid)
    assert (table.values[~valid] == 0).all() and (np.abs(table.values[valid]).sum(1) > 0).all()
    assert manifest.clips["a"]["valid"] == valid.sum()
    assert manifest.about["random_weights"] is True
    assert (store.attributes("a") or {})["random_weights"] is True


def test_batches_of_other_sizes_give_the_same_rows(layout: Layout) -> None:
    _media(layout, "a")
    tables = []
    for size in (3, 64):
        (layout.feature_store("dense") / "a" / "zarr.json").unlink(missing_ok=True)
        extract(_densenet(), _clips("a"), layout, None, size)
        tables.append(FeatureStore(layout.feature_store("dense")).read("a").values.astype(np.float32))
    np.testing.assert_allclose(tables[0], tables[1], rtol=2e-3, atol=1e-4)


def test_without_sound_every_row_is_marked(layout: Layout) -> None:
    _media(layout, "mute", sound_s=0)
    manifest = extract(_fbank(), _clips("mute"), layout, None)
    table = FeatureStore(layout.feature_store("fbank")).read("mute")
    assert table.values.shape == (30, 80) and not table.valid.any() and not table.values.any()
    assert manifest.clips["mute"]["valid"] == 0


def test_sound_that_ends_early_is_not_stretched(layout: Layout) -> None:
    _media(layout, "a", sound_s=0.5)
    extract(_fbank(), _clips("a"), layout, None)
    valid = FeatureStore(layout.feature_store("fbank")).read("a").valid
    np.testing.assert_array_equal(valid, np.arange(30) / 25 < 0.5)


def _no_load(monkeypatch: pytest.MonkeyPatch, extractor: type) -> None:
    def load(*_: object) -> None:
        raise AssertionError("there was no work to load for")

    monkeypatch.setattr(extractor, "load", load)


def test_second_run_does_nothing_even_after_media_was_rebuilt_alike(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    _media(layout, "a")
    first = extract(_fbank(), _clips("a"), layout, None)
    _media(layout, "a")
    _no_load(monkeypatch, FilterBank)
    assert extract(_fbank(), _clips("a"), layout, None) == first


def test_changed_settings_or_sound_are_done_again_others_are_kept(layout: Layout) -> None:
    for number, clip in enumerate("ab"):
        _media(layout, clip, seed=number)
    before = extract(_fbank(), _clips("a", "b"), layout, None).clips
    _media(layout, "b", seed=5)
    after = extract(_fbank(), _clips("a", "b"), layout, None).clips
    assert after["a"] == before["a"] and after["b"]["content"] != before["b"]["content"]
    narrow = extract(_fbank(bins=40), _clips("a", "b"), layout, None).clips
    assert narrow["a"]["key"] != after["a"]["key"]
    assert FeatureStore(layout.feature_store("fbank")).read("a", narrow["a"]["key"]).values.shape == (30, 40)
    with pytest.raises(ValueError, match="abaw extract toy fbank"):
        FeatureStore(layout.feature_store("fbank")).read("a", after["a"]["key"])


def test_a_bad_clip_is_reported_and_the_others_are_finished(layout: Layout) -> None:
    for clip in ("a", "c", "d"):
        _media(layout, clip)
    with h5py.File(layout.faces("c"), "r+") as file:
        file["jpeg"][:] = 0
    with h5py.File(layout.faces("d"), "r+") as file:
        file.attrs["content"] = "other"
    media = Manifest(skipped=[Skipped("b", "media", "zero bytes")])
    manifest = extract(_densenet(), _clips("a", "b", "c", "d", "e"), layout, None, media=media)
    assert sorted(manifest.clips) == ["a", "d"]
    reasons = {row.clip: row.reason for row in manifest.skipped}
    assert sorted(reasons) == ["b", "c", "e"] and {row.stage for row in manifest.skipped} == {"extract"}
    assert "media stage: zero bytes" in reasons["b"]
    assert "abaw media" in reasons["e"]
    assert FeatureStore(layout.feature_store("dense")).clips() == ["a", "d"]


def test_values_too_large_are_reported_by_clip_and_column(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    _media(layout, "a")
    monkeypatch.setattr(DenseNet, "embed", lambda self, batch: torch.full((len(batch), 342), 1e6))
    manifest = extract(_densenet(), _clips("a"), layout, None)
    assert not manifest.clips
    assert "clip 'a'" in manifest.skipped[0].reason and "column 0 exceeds float16" in manifest.skipped[0].reason


def test_weights_that_do_not_fit_stop_the_stage(layout: Layout, tmp_path: Path) -> None:
    _media(layout, "a")
    torch.save({"some.weight": torch.zeros(3)}, tmp_path / "w.pth")
    weights = FileWeights(source="file", path=str(tmp_path / "w.pth"))
    plan = plan_feature("dense", DenseNet.Settings(extractor="densenet", weights=weights), False)
    with pytest.raises(ValueError, match=r"w\.pth: does not fit DenseNet342"):
        extract(plan, _clips("a"), layout, None)
