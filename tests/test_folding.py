"""The form in which networks extract gives what the network gives as it was loaded."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from abaw_pipeline.features.compute import Embedder
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.features.weights import RandomWeights
from abaw_pipeline.networks.densenet342 import DenseNet342
from abaw_pipeline.networks.folding import fold_norms
from abaw_pipeline.networks.lean import take_lean_forms
from tests.pictures import seen

CPU = torch.device("cpu")
RANDOM = RandomWeights(source="random", seed=0)
TOLERANCE = 1e-5
"""Of the largest feature, in float32."""

# extractor, its settings, norms that stay: those that do not follow a convolution
QUICK: list[tuple[str, dict[str, Any], int]] = [
    ("densenet", {}, 3),
    ("ms_va", {"size": 64}, 0),
    ("ms_va", {"size": 64, "model": "mobilenetv3_small_100"}, 0),
    ("ms_va", {"size": 64, "model": "mobilenetv2_100"}, 0),
    ("ms_va", {"size": 64, "model": "mobilenetv1_100"}, 0),
    ("regnet", {}, 0),
]
SLOW: list[tuple[str, dict[str, Any], int]] = [
    ("regnet", {"model": "regnet_y_1_6gf"}, 0),
    ("inception_vggface2", {}, 1),
    ("inception_casia", {}, 1),
    ("ires100", {}, 51),
    ("fau", {}, 51),
    ("mae", {}, 0),
    ("poster_vit", {"vit": RANDOM}, 25),
    ("scene", {}, 0),
    ("scene", {"model": "efficientnet_b0"}, 0),
]


def _stir(network: nn.Module) -> nn.Module:
    """Norms as after a training: scales of both signs, shifts, means and variances."""
    torch.manual_seed(0)
    for norm in network.modules():
        if isinstance(norm, _BatchNorm):
            nn.init.uniform_(norm.weight, -1, 1.5)
            nn.init.normal_(norm.bias, std=0.3)
            if norm.track_running_stats:
                nn.init.normal_(norm.running_mean, std=0.3)
                nn.init.uniform_(norm.running_var, 0.5, 2)
    return network.eval()


def _norms(network: nn.Module) -> int:
    return sum(isinstance(module, _BatchNorm) for module in network.modules())


@pytest.mark.parametrize(
    ("name", "raw", "stay"), [*QUICK, *(pytest.param(*row, marks=pytest.mark.slow) for row in SLOW)]
)
def test_networks_extract_what_they_give_as_loaded(name: str, raw: dict[str, Any], stay: int) -> None:
    kind = EXTRACTORS[name]
    settings = kind.Settings(extractor=name, weights=RANDOM, **raw)
    extractor: Any = kind(settings)
    extractor.load(CPU)
    _stir(extractor.network)
    pictures = np.random.default_rng(0).integers(0, 256, (5, 112, 112, 3), np.uint8)
    with torch.inference_mode():
        expected = extractor.embed(seen(extractor, *pictures)).numpy()
    embedder = Embedder(extractor, kind.spec(settings).dimension, CPU, "float32", False)
    prepared = torch.from_numpy(np.stack([extractor.prepare(picture) for picture in pictures]))
    assert _norms(extractor.network) == stay
    np.testing.assert_allclose(embedder.launch(prepared)(), expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


class _Standardised(nn.Conv2d):
    """Computes with other weights than it holds."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.conv2d(x, self.weight / self.weight.std(), self.bias, padding=1)


class _Parts(nn.Module):
    def __init__(self, run: Callable[[Any, torch.Tensor], torch.Tensor], convolution: type[nn.Conv2d]) -> None:
        super().__init__()
        self.convolution, self.norm, self.other = convolution(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)
        self.of_batch, self.run = nn.BatchNorm2d(3, track_running_stats=False), run

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.run(self, x).mean((2, 3))


def _shortcut(parts: Any, x: torch.Tensor) -> torch.Tensor:
    maps = parts.convolution(x)
    return parts.norm(maps) + maps


def _two_norms(parts: Any, x: torch.Tensor) -> torch.Tensor:
    maps = parts.convolution(x)
    return parts.norm(maps) + parts.other(maps).relu()


CASES: dict[str, tuple[Callable[[Any, torch.Tensor], torch.Tensor], type[nn.Conv2d], int]] = {
    "norm after": (lambda p, x: p.norm(p.convolution(x)), nn.Conv2d, 1),
    "one of two norms": (lambda p, x: p.other(p.norm(p.convolution(x)).relu()), nn.Conv2d, 1),
    "norm before": (lambda p, x: p.convolution(p.norm(x)), nn.Conv2d, 0),
    "output read by a shortcut too": (_shortcut, nn.Conv2d, 0),
    "output read by two norms": (_two_norms, nn.Conv2d, 0),
    "convolution called twice": (lambda p, x: p.norm(p.convolution(p.convolution(x))), nn.Conv2d, 0),
    "norm called twice": (lambda p, x: p.norm(p.convolution(p.norm(x))), nn.Conv2d, 0),
    "activation between": (lambda p, x: p.norm(p.convolution(x).relu()), nn.Conv2d, 0),
    "statistics of each batch": (lambda p, x: p.of_batch(p.convolution(x)), nn.Conv2d, 0),
    "weights computed": (lambda p, x: p.norm(p.convolution(x)), _Standardised, 0),
}


@pytest.mark.parametrize("case", CASES)
def test_a_norm_is_folded_only_where_no_value_changes(case: str) -> None:
    run, convolution, folded = CASES[case]
    network = _stir(_Parts(run, convolution)).double()
    pictures = torch.randn(4, 3, 8, 8, dtype=torch.float64)
    expected = network(pictures)
    fold_norms(network, lambda: network(pictures[:1]))
    assert 3 - _norms(network) == folded
    torch.testing.assert_close(network(pictures), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("folded", [False, True])
def test_the_lean_form_of_the_densenet_is_the_densenet(folded: bool) -> None:
    network = _stir(DenseNet342()).double()
    lean = copy.deepcopy(network)
    pictures = torch.randn(6, *DenseNet342.INPUT, dtype=torch.float64)
    if folded:
        fold_norms(lean, lambda: lean(pictures[:1]))
    take_lean_forms(lean)
    assert not any(hasattr(module, "lean") for module in lean.modules())
    with torch.inference_mode():
        torch.testing.assert_close(lean(pictures), network(pictures), rtol=1e-9, atol=1e-9)
