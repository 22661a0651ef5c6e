"""``scene`` is timm's network on timm's own preprocessing, whatever network the settings name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from abaw_pipeline.features.visual.scene import DIMENSIONS, Scene
from abaw_pipeline.features.weights import FileWeights, RandomWeights
from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before timm

import timm  # isort: skip

CPU = torch.device("cpu")
SMALL: dict[str, Any] = {"model": "resnet18.a1_in1k"}
TINY: dict[str, Any] = {"model": "vit_tiny_patch16_224.augreg_in21k_ft_in1k", "dimension": 192}


def _scene(weights: Any = None, **settings: Any) -> Scene:
    return Scene(Scene.Settings(extractor="scene", weights=weights or RandomWeights(source="random"), **settings))


def _loaded(weights: Any = None, **settings: Any) -> Scene:
    extractor = _scene(weights, **settings)
    extractor.load(CPU)
    return extractor


@pytest.fixture(scope="module")
def resnet() -> Scene:
    return _loaded(**SMALL)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 256, (9, 16, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((480, 270), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("model", sorted(DIMENSIONS))
def test_the_table_holds_what_timm_gives(model: str) -> None:
    with torch.device("meta"):  # shapes alone, no numbers
        network = timm.create_model(model, num_classes=0).eval()
        output = network(torch.zeros(1, *network.pretrained_cfg["input_size"]))
    assert output.shape == (1, DIMENSIONS[model])


def test_the_picture_is_prepared_as_the_weights_were_tested(resnet: Scene, picture: np.ndarray) -> None:
    side = int(224 / 0.95)  # the crop share of a1_in1k
    scaled = Image.fromarray(picture).resize((int(side * 480 / 270), side), Image.Resampling.BICUBIC)
    left, top = round((scaled.width - 224) / 2), round((side - 224) / 2)
    square = np.asarray(scaled.crop((left, top, left + 224, top + 224)), np.float64) / 255
    expected = (square - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    np.testing.assert_allclose(resnet.prepare(picture), expected.transpose(2, 0, 1), atol=1e-5)


def test_the_tag_decides_mean_and_deviation() -> None:
    black = _loaded(**TINY).prepare(np.zeros((300, 400, 3), np.uint8))
    np.testing.assert_allclose(black, -1, atol=1e-6)  # (0 - 0.5) / 0.5, not ImageNet's


def test_edges_are_seen_where_the_whole_picture_is_asked_for() -> None:
    edge = np.zeros((270, 480, 3), np.uint8)
    edge[:, :30] = 255  # beyond the middle square
    seen = {crop: _loaded(**SMALL, size=64, crop=crop).prepare(edge) for crop in ("center", "squash", "border")}
    assert np.ptp(seen["center"]) < 1 < np.ptp(seen["squash"])
    assert {crop: values.shape for crop, values in seen.items()} == dict.fromkeys(seen, (3, 64, 64))
    np.testing.assert_allclose(seen["squash"][:, 32, 2], (1 - np.array((0.485, 0.456, 0.406))) / (0.229, 0.224, 0.225))
    assert abs(seen["border"][:, 2, 32]).max() < 0.02, "the border has the mean colour"
    assert seen["border"][0, 32, 1] > 2 > 0 > seen["border"][0, 32, 40]


def test_random_weights_give_finite_values_that_vary(resnet: Scene, picture: np.ndarray) -> None:
    batch = torch.from_numpy(np.stack([resnet.prepare(p) for p in (picture, picture[::-1], 255 - picture)]))
    with torch.inference_mode():
        output = resnet.embed(batch)
    assert output.shape == (3, 512) and output.abs().max() < np.finfo(np.float16).max
    assert output.std(0).mean() > 0.05 * output.abs().mean() > 0


@pytest.mark.parametrize(
    "settings",
    [
        SMALL,  # classifier: fc
        {"model": "convnext_atto.d2_in1k", "dimension": 320},  # head.fc, beside head.norm which is kept
        {"model": "deit_tiny_distilled_patch16_224", "dimension": 192},  # head and head_dist
    ],
    ids=lambda settings: settings["model"],
)
def test_a_whole_timm_checkpoint_loads_without_its_classifier(tmp_path: Path, settings: dict[str, Any]) -> None:
    torch.manual_seed(0)
    whole = timm.create_model(settings["model"], num_classes=7).eval()
    torch.save(whole.state_dict(), tmp_path / "w.pth")
    extractor = _loaded(FileWeights(source="file", path=str(tmp_path / "w.pth")), **settings)
    batch = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        expected = whole.forward_head(whole.forward_features(batch), pre_logits=True)
        torch.testing.assert_close(extractor.embed(batch), expected)


def test_another_input_size_takes_the_same_checkpoint(tmp_path: Path) -> None:
    from timm.models.vision_transformer import checkpoint_filter_fn

    torch.manual_seed(0)
    state = timm.create_model(TINY["model"]).state_dict()
    torch.save(state, tmp_path / "w.pth")
    extractor = _loaded(FileWeights(source="file", path=str(tmp_path / "w.pth")), **TINY, size=96)
    direct = timm.create_model(TINY["model"], num_classes=0, img_size=96).eval()
    kept = {key: value for key, value in state.items() if not key.startswith("head.")}
    direct.load_state_dict(checkpoint_filter_fn(kept, direct))
    batch = torch.randn(2, 3, 96, 96)
    with torch.inference_mode():
        torch.testing.assert_close(extractor.embed(batch), direct(batch))


def test_another_networks_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save(timm.create_model("resnet18").state_dict() | {"layer9.weight": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"w\.pth: does not fit .*1 unexpected.*layer9\.weight"):
        _loaded(FileWeights(source="file", path=str(tmp_path / "w.pth")), **SMALL)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "tf_mixnet_s"}, "set 'dimension' to the length of its pooled output"),
        ({"model": "resnet50.a1_in1k", "dimension": 512}, "gives 2048 features, dimension says 512"),
    ],
)
def test_a_dimension_that_is_unknown_or_wrong_is_told_before_any_import(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Scene.spec(_scene(**settings).settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "resnet19", "dimension": 512}, r"'resnet19': Unknown model.*timm has resnet"),
        ({"model": "resnet18.none"}, r"Invalid pretrained tag \(none\)"),
        ({"model": "vit_tiny_patch16_224", "dimension": 384}, "gives 192 features a picture, dimension says 384"),
    ],
)
def test_a_network_that_timm_lacks_or_knows_otherwise(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _loaded(**settings)
