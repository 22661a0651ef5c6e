"""PosterV2 loads its public checkpoint and computes what its paper writes down; the ViT stands beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from abaw_pipeline.features.plan import plan_feature
from abaw_pipeline.features.visual import poster_vit
from abaw_pipeline.features.visual.poster_vit import PosterViT
from abaw_pipeline.features.weights import FileWeights, RandomWeights
from abaw_pipeline.networks.checkpoint import load_weights
from abaw_pipeline.networks.ir50 import IR50
from abaw_pipeline.networks.mobilefacenet import MobileFaceNet
from abaw_pipeline.networks.poster_v2 import PosterV2
from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before timm
from tests.pictures import seen

import timm  # isort: skip

PUBLISHED = Path(__file__).resolve().parents[2] / "shared" / "reference" / "state_dict_keys" / "poster_v2.txt"
RANDOM = RandomWeights(source="random", seed=0)
CPU = torch.device("cpu")
LEFT_OVER = (
    r"VIT\.(patch_embed|eca_block|CON1|IRLinear1|IRLinear2|blocks\.\d\.conv|head)\."
    r"|(ir_back|face_landback)\.output_layer\."
)


@pytest.fixture(scope="module")
def blank() -> PosterV2:
    """Names and shapes without numbers."""
    with torch.device("meta"):
        return PosterV2().eval()


@pytest.fixture(scope="module")
def extractor() -> PosterViT:
    made = _extractor(weights=RANDOM, vit=RANDOM)
    made.load(CPU)
    return made


@pytest.fixture(scope="module")
def network(extractor: PosterViT) -> PosterV2:
    return cast(PosterV2, extractor.network.networks[0])


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """Two smooth pictures at the scale that the networks expect."""
    coarse = torch.randn(2, 3, 14, 14, generator=torch.Generator().manual_seed(0))
    return nn.functional.interpolate(coarse, size=224, mode="bicubic")


@pytest.fixture(scope="module")
def values(extractor: PosterViT, pictures: torch.Tensor) -> torch.Tensor:
    """What the extractor gives for them."""
    with torch.inference_mode():
        return extractor.embed(pictures)


def _extractor(**settings: Any) -> PosterViT:
    return PosterViT(PosterViT.Settings(extractor="poster_vit", **settings))


def _hollow(blank: PosterV2) -> dict[str, torch.Tensor]:
    """A state dict with the right names and shapes that is small on disk."""
    return {name: torch.zeros(()).expand(value.shape) for name, value in blank.state_dict().items()}


def _file(state: dict[str, torch.Tensor], folder: Path) -> FileWeights:
    torch.save(state, folder / "weights.pth")
    return FileWeights(source="file", path=str(folder / "weights.pth"))


def test_names_and_shapes_are_those_of_the_public_checkpoint(blank: PosterV2) -> None:
    if not PUBLISHED.is_file():
        pytest.skip("the lists of published keys are not on this machine")
    published = dict(line.split() for line in PUBLISHED.read_text().splitlines())
    assert {k: "x".join(map(str, v.shape)) or "scalar" for k, v in blank.state_dict().items()} == published
    assert len(published) == 747


def test_it_has_its_published_size(blank: PosterV2) -> None:
    assert round(sum(parameter.numel() for parameter in blank.parameters()) / 1e6, 1) == 58.3


def test_it_costs_the_operations_of_its_paper(blank: PosterV2) -> None:
    """8.4 G multiplications of convolutions and linear layers: they tell the strides and sizes that no key does."""
    found: list[int] = []

    def count(module: Any, inputs: Any, output: torch.Tensor) -> None:
        found.append(output.numel() * module.weight[0].numel())

    layers = [m for m in blank.modules() if isinstance(m, nn.Conv1d | nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    blank(torch.empty(1, *PosterV2.INPUT, device="meta"))
    for hook in hooks:
        hook.remove()
    assert round(sum(found) / 1e9, 1) == 8.4


def test_a_file_with_these_names_loads_strictly(tmp_path: Path, network: PosterV2) -> None:
    state = network.state_dict()
    weights = _file({"state_dict": {f"module.{name}": value for name, value in state.items()}}, tmp_path)
    again = load_weights(PosterV2(), weights, PosterV2.INPUT)
    assert not again.training
    assert all(torch.equal(value, state[name]) for name, value in again.state_dict().items())


def test_a_renamed_key_is_named_on_both_sides(tmp_path: Path, blank: PosterV2) -> None:
    state = _hollow(blank)
    state["ffn2.gamma"] = state.pop("ffn2.gamma1")
    with pytest.raises(ValueError, match=r"1 missing, 1 unexpected, 0 mis-shaped.*renamed") as caught:
        load_weights(blank, _file(state, tmp_path), PosterV2.INPUT)
    assert "missing: ffn2.gamma1" in str(caught.value) and "unexpected: ffn2.gamma;" in str(caught.value)


def test_a_checkpoint_of_eight_classes_needs_the_setting(tmp_path: Path, blank: PosterV2) -> None:
    with torch.device("meta"):
        eight = PosterV2(classes=8)
    assert eight.VIT.head.linear.weight.shape == (8, 768)
    with pytest.raises(ValueError, match=r"VIT\.head\.linear\.weight is 8x768, not 7x768.*number of classes"):
        load_weights(blank, _file(_hollow(eight), tmp_path), PosterV2.INPUT)


@pytest.mark.parametrize(
    ("build", "shapes"),
    [
        (IR50, [(2, 64, 56, 56), (2, 128, 28, 28), (2, 256, 14, 14)]),
        (MobileFaceNet, [(2, 64, 28, 28), (2, 128, 14, 14), (2, 512, 7, 7)]),
    ],
)
def test_branches_give_three_scales(build: type, shapes: list[tuple[int, ...]]) -> None:
    with torch.device("meta"):
        assert [tuple(maps.shape) for maps in build().eval()(torch.empty(2, *build.INPUT))] == shapes


def test_the_feature_is_what_the_head_sees(network: PosterV2, pictures: torch.Tensor, values: torch.Tensor) -> None:
    seen: list[torch.Tensor] = []
    hook = network.VIT.head.register_forward_hook(lambda module, inputs, output: seen.extend([inputs[0], output]))
    with torch.inference_mode():
        scores = network.scores(pictures)
    hook.remove()
    assert scores.shape == (2, 7) and torch.equal(seen[1], scores)
    assert seen[0].shape == (2, PosterV2.DIMENSION)
    torch.testing.assert_close(seen[0], values[:, :768])


def test_random_features_are_finite_and_differ(values: torch.Tensor) -> None:
    for part in values.split(768, 1):
        assert torch.isfinite(part.half()).all() and 1e-2 < part.abs().mean() < 1e2
        assert (part[0] - part[1]).abs().mean() > 0.05 * part.abs().mean()


def test_everything_but_what_is_known_to_be_left_over_counts(network: PosterV2, pictures: torch.Tensor) -> None:
    """A parameter without a gradient has no part in the feature."""
    network(pictures).square().sum().backward()
    idle = {name for name, p in network.named_parameters() if p.grad is None}
    flat = {name for name, p in network.named_parameters() if p.grad is not None and not p.grad.any()}
    network.zero_grad(set_to_none=True)
    assert idle == {name for name, _ in network.named_parameters() if re.match(LEFT_OVER, name)}
    assert not flat


def test_values_do_not_depend_on_the_batch(extractor: PosterViT, pictures: torch.Tensor, values: torch.Tensor) -> None:
    with torch.inference_mode():
        alone = extractor.embed(pictures[1:])
    torch.testing.assert_close(alone, values[1:], atol=1e-4, rtol=1e-4)


def test_poster_stands_before_the_vit(extractor: PosterViT, pictures: torch.Tensor, values: torch.Tensor) -> None:
    poster, vit = extractor.network.networks
    assert isinstance(poster, PosterV2) and isinstance(vit, timm.models.VisionTransformer)
    assert values.shape == (2, 1536) == (2, extractor.spec(extractor.settings).dimension)
    with torch.inference_mode():
        torch.testing.assert_close(vit(pictures), values[:, 768:])


def test_vit_has_its_published_size(extractor: PosterViT) -> None:
    assert round(sum(parameter.numel() for parameter in extractor.network.networks[1].parameters()) / 1e6, 1) == 85.8


@pytest.mark.parametrize("pooling", ["cls", "patches"])
def test_vit_gives_timms_normalised_tokens(
    tmp_path: Path, pictures: torch.Tensor, pooling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poster_vit, "VIT", "vit_tiny_patch16_224")
    direct = timm.create_model(poster_vit.VIT, pretrained=False, num_classes=7).eval()
    extractor = _extractor(vit=_file(direct.state_dict(), tmp_path), parts="vit", pooling=pooling)
    extractor.load(CPU)
    with torch.inference_mode():
        tokens, found = direct.forward_features(pictures), extractor.embed(pictures)
    expected = tokens[:, 0] if pooling == "cls" else tokens[:, 1:].mean(1)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_pictures_are_rgb_224_by_imagenets_statistics() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)
    (prepared,) = seen(_extractor(), picture)
    large = cv2.resize(picture, (224, 224), interpolation=cv2.INTER_CUBIC)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    assert prepared.dtype == torch.float32
    np.testing.assert_allclose(prepared.permute(1, 2, 0), (large / 255 - mean) / deviation, atol=1e-5)


@pytest.mark.parametrize(
    ("parts", "fields", "dimension"),
    [("both", {"weights", "vit"}, 1536), ("poster", {"weights"}, 768), ("vit", {"vit"}, 768)],
)
def test_each_choice_asks_for_the_weights_that_it_needs(parts: Any, fields: set[str], dimension: int) -> None:
    chosen: dict[str, Any] = {"extractor": "poster_vit", "parts": parts, **dict.fromkeys(fields, RANDOM)}
    plan = plan_feature("p", PosterViT.Settings(**chosen), True)
    assert (set(plan.spec.weights), set(plan.weights), plan.spec.dimension) == (fields, fields, dimension)
    for field in fields:
        with pytest.raises(ValueError, match=f"^{field}: 'poster_vit' is a network and needs them"):
            plan_feature("p", PosterViT.Settings(**{**chosen, field: None}), True)
    for field in {"weights", "vit"} - fields:
        with pytest.raises(ValueError, match=f"{field}: 'parts: {parts}' has no use for them"):
            PosterViT.Settings(**{**chosen, field: RANDOM})
