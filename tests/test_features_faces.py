"""``inception_*``, ``mae``, ``regnet`` and ``fau`` give what their weights' authors would get, on the same input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

from abaw_pipeline.features.plan import plan_feature
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.features.visual.inception import IDENTITIES
from abaw_pipeline.features.visual.ires100 import IRes100
from abaw_pipeline.features.weights import FileWeights, RandomWeights
from abaw_pipeline.networks.checkpoint import load_weights
from abaw_pipeline.networks.inception_resnet_v1 import InceptionResnetV1
from abaw_pipeline.networks.random_weights import randomise
from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before timm
from tests.pictures import seen

import timm  # isort: skip

CPU = torch.device("cpu")
RANDOM = RandomWeights(source="random", seed=0)
IMAGENET = (np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]))
CASES: list[tuple[str, dict[str, Any], int, int]] = [  # extractor, settings, side of the input, features
    ("fau", {}, 112, 512),
    ("inception_casia", {}, 160, 512),
    ("inception_vggface2", {}, 160, 512),  # from here on networks of their own
    ("mae", {"pooling": "cls"}, 224, 768),
    ("mae", {"pooling": "patches"}, 224, 768),
    ("regnet", {}, 112, 440),
    ("regnet", {"model": "regnet_y_1_6gf", "size": 224}, 224, 888),
]
each = pytest.mark.parametrize(("name", "settings", "size", "dimension"), CASES)


def _picture(size: int = 112, seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def _extractor(name: str, weights: Any = RANDOM, **settings: Any) -> Any:
    kind = EXTRACTORS[name]
    return kind(kind.Settings(extractor=name, weights=weights, **settings))


def _file(path: Path, state: dict[str, torch.Tensor]) -> FileWeights:
    torch.save(state, path)
    return FileWeights(source="file", path=str(path))


@pytest.mark.parametrize(("name", "settings", "size", "dimension"), CASES[2:])
def test_random_weights_give_a_vector_of_the_stated_length(
    name: str, settings: dict[str, Any], size: int, dimension: int
) -> None:
    extractor = _extractor(name, **settings)
    extractor.load(CPU)
    batch = seen(extractor, *(_picture(seed=seed) for seed in range(3)))
    assert batch.shape == (3, 3, size, size)
    with torch.inference_mode():
        output = extractor.embed(batch)
    assert output.shape == (3, dimension) == (3, extractor.spec(extractor.settings).dimension)
    assert torch.isfinite(output).all() and output.abs().max() < np.finfo(np.float16).max / 8
    assert (output[0] - output[1]).abs().mean() > 0.05 * output.abs().mean()


@each
def test_the_network_sees_rgb_by_its_own_statistics(
    name: str, settings: dict[str, Any], size: int, dimension: int
) -> None:
    extractor, picture = _extractor(name, **settings), _picture(size)
    values = picture.astype(np.float64)
    expected = {
        "fau": (values / 255 - 0.5) / 0.5,
        "inception": (values - 127.5) / 128,
        "mae": (values / 255 - IMAGENET[0]) / IMAGENET[1],
        "regnet": (values / 255 - IMAGENET[0]) / IMAGENET[1],
    }[name.split("_")[0]]
    prepared = seen(extractor, picture)
    assert prepared.dtype == torch.float32 and prepared.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(prepared[0], expected.transpose(2, 0, 1), atol=1e-5)


@each
def test_crops_of_another_size_are_scaled_whole(name: str, settings: dict[str, Any], size: int, dimension: int) -> None:
    extractor = _extractor(name, **settings)
    for side, how in ((size // 2, cv2.INTER_CUBIC), (2 * size, cv2.INTER_AREA)):
        picture = _picture(side)
        scaled = cv2.resize(picture, (size, size), interpolation=how)
        np.testing.assert_array_equal(extractor.prepare(picture), extractor.prepare(scaled))


def test_settings_decide_dimension_and_size() -> None:
    def dimension(name: str, **settings: Any) -> int:
        extractor = _extractor(name, **settings)
        return extractor.spec(extractor.settings).dimension

    assert (dimension("mae"), dimension("mae", model="large")) == (768, 1024)
    assert (dimension("regnet"), dimension("regnet", model="regnet_y_1_6gf")) == (440, 888)
    assert seen(_extractor("regnet", size=224), _picture()).shape == (1, 3, 224, 224)


def test_fau_is_the_network_of_ires100_with_weights_of_its_own(tmp_path: Path) -> None:
    """Same network and input; a feature of its own, whose key follows its weights."""
    fau, ires = _extractor("fau"), _extractor("ires100")
    assert isinstance(fau, IRes100)
    np.testing.assert_array_equal(fau.prepare(_picture(96)), ires.prepare(_picture(96)))
    one, two = (_file(tmp_path / f"{i}.pth", {"x": torch.tensor(i)}) for i in range(2))
    keys = {plan_feature("f", _extractor("fau", weights).settings, False).key for weights in (one, two)}
    assert len(keys | {plan_feature("f", _extractor("ires100", one).settings, False).key}) == 3


@pytest.fixture(scope="module")
def inception() -> InceptionResnetV1:
    return load_weights(InceptionResnetV1(), RANDOM, InceptionResnetV1.INPUT)


def _convolved(layer: Any, x: torch.Tensor, padding: tuple[int, int] = (0, 0), stride: int = 1) -> torch.Tensor:
    """Convolution, BatchNorm with the published epsilon, ReLU, written out."""
    x = functional.conv2d(x, layer.conv.weight, stride=stride, padding=padding)
    mean, variance, scale, shift = (
        value[:, None, None] for value in (layer.bn.running_mean, layer.bn.running_var, layer.bn.weight, layer.bn.bias)
    )
    return ((x - mean) / (variance + 1e-3).sqrt() * scale + shift).clamp(min=0)


@pytest.mark.parametrize(
    ("block", "channels", "scale", "paddings", "last"),
    [
        ("repeat_1.3", 256, 0.17, [[(0, 0), (1, 1)], [(0, 0), (1, 1), (1, 1)]], False),
        ("repeat_2.7", 896, 0.10, [[(0, 0), (0, 3), (3, 0)]], False),
        ("repeat_3.1", 1792, 0.20, [[(0, 0), (0, 1), (1, 0)]], False),
        ("block8", 1792, 1.0, [[(0, 0), (0, 1), (1, 0)]], True),
    ],
)
def test_inception_adds_scaled_residuals(
    inception: InceptionResnetV1, block: str, channels: int, scale: float, paddings: list[Any], last: bool
) -> None:
    module: Any = inception.get_submodule(block)
    x = torch.randn(2, channels, 8, 8)
    with torch.inference_mode():
        branches = [_convolved(module.branch0, x)]
        for number, steps in enumerate(paddings, start=1):
            y = x
            for layer, padding in zip(module.get_submodule(f"branch{number}"), steps, strict=True):
                y = _convolved(layer, y, padding)
            branches.append(y)
        residual = functional.conv2d(torch.cat(branches, 1), module.conv2d.weight, module.conv2d.bias)
        expected = x + scale * residual
        torch.testing.assert_close(module(x), expected if last else expected.clamp(min=0), rtol=1e-4, atol=1e-4)


def test_inception_halves_by_convolutions_beside_a_pooled_copy(inception: InceptionResnetV1) -> None:
    x, module = torch.randn(2, 256, 17, 17), inception.mixed_6a
    with torch.inference_mode():
        one = _convolved(module.branch0, x, stride=2)
        two = _convolved(module.branch1[1], _convolved(module.branch1[0], x), (1, 1))
        expected = torch.cat([one, _convolved(module.branch1[2], two, stride=2), functional.max_pool2d(x, 3, 2)], 1)
        torch.testing.assert_close(module(x), expected, rtol=1e-4, atol=1e-4)


def test_inception_pools_projects_and_normalises(inception: InceptionResnetV1) -> None:
    with torch.inference_mode():
        pictures = torch.randn(2, *InceptionResnetV1.INPUT)
        maps = inception.maps(pictures)
        assert maps.shape == (2, 1792, 3, 3)
        bn = inception.last_bn
        y = maps.mean((2, 3)) @ inception.last_linear.weight.T
        y = (y - bn.running_mean) / (bn.running_var + 1e-3).sqrt() * bn.weight + bn.bias
        torch.testing.assert_close(inception(pictures), y / y.norm(dim=1, keepdim=True), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "own"), [("inception_casia", "CASIA-WebFace"), ("inception_vggface2", "VGGFace2")])
def test_inception_notices_the_other_weights(name: str, own: str, tmp_path: Path) -> None:
    for trained_on, people in IDENTITIES.items():
        weights = _file(
            tmp_path / "w.pth", {"logits.bias": torch.zeros(people), "conv2d_1a.conv.weight": torch.ones(1)}
        )
        told = rf"^weights: '{name}'.*{people} people.*{trained_on}$"
        with pytest.raises(ValueError, match="does not fit" if trained_on == own else told):
            _extractor(name, weights).load(CPU)


def test_regnet_gives_with_timms_file_what_timm_gives(tmp_path: Path) -> None:
    other = timm.create_model("regnety_004", pretrained=False)
    randomise(other, 0, (3, 64, 64))
    extractor = _extractor("regnet", _file(tmp_path / "timm.pth", other.state_dict()))
    extractor.load(CPU)
    batch = seen(extractor, _picture(seed=0), _picture(seed=1))
    with torch.inference_mode():
        expected = other.forward_head(other.forward_features(batch), pre_logits=True)
        torch.testing.assert_close(extractor.embed(batch), expected, rtol=1e-3, atol=1e-3)


def test_regnet_tells_the_two_sizes_apart(tmp_path: Path) -> None:
    large = timm.create_model("regnety_016", pretrained=False)
    with pytest.raises(ValueError, match=r"does not fit RegNet: 76 missing.*another depth of the same network"):
        _extractor("regnet", _file(tmp_path / "timm.pth", large.state_dict())).load(CPU)
