"""Every network loads what its public checkpoint holds, to the key, and stops where one key has another name.

A network more is one row of ``PUBLISHED``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.features.weights import FileWeights
from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before timm and torchvision
from tests import published as public
from tests.published import COUNTER, Shapes, seeded

import timm  # isort: skip
import torchvision  # isort: skip


@dataclass(frozen=True)
class Published:
    """A public checkpoint, and what is published of its network."""

    extractor: str
    layout: str
    shapes: Callable[[], Shapes]
    """Names and shapes of everything in the file."""
    keys: int
    """Entries of the network's state dict."""
    millions: float
    """Published number of parameters."""
    dropped: tuple[str, ...] = ()
    """Beginnings of keys that the file has and the network does not need."""
    classifier: int = 0
    """Parameters of the published number that stand in what is dropped."""
    settings: dict[str, Any] = field(default_factory=dict)


def _torchvision(name: str) -> Callable[[], Shapes]:
    return lambda: public.shapes_of(torchvision.models.get_model(name, weights=None))


def _timm(name: str) -> Callable[[], Shapes]:
    return lambda: public.shapes_of(timm.create_model(name, pretrained=False))


IRESNET = lambda: public.published_keys("ires100")  # noqa: E731
DECODER = ("decoder", "encoder_to_decoder", "mask_token")
SMALL, LARGE = {"model": "regnet_y_400mf"}, {"model": "regnet_y_1_6gf"}
PUBLISHED = [
    Published("fau", "insightface", IRESNET, 925, 65.2),
    Published("inception_casia", "facenet", lambda: public.inception(10575), 714, 23.5, ("logits.",)),
    Published("inception_vggface2", "facenet", lambda: public.inception(8631), 714, 23.5, ("logits.",)),
    Published("ires100", "insightface", IRESNET, 925, 65.2),
    Published("mae", "timm", public.mae, 150, 85.8, settings={"pooling": "cls"}),
    Published("mae", "facebook", public.mae_pretraining, 150, 85.8, DECODER),
    Published("mae", "facebook, fine-tuned", lambda: public.mae("fc_norm"), 150, 85.8),
    Published("mae", "mae-pytorch", public.mae_pytorch_pretraining, 149, 85.8, DECODER),
    Published("mae", "mae-pytorch, fine-tuned", lambda: public.mae_pytorch("fc_norm"), 149, 85.8),
    Published("regnet", "torchvision 400mf", _torchvision("regnet_y_400mf"), 382, 4.3, ("fc.",), 441_000, SMALL),
    Published("regnet", "torchvision 1.6gf", _torchvision("regnet_y_1_6gf"), 624, 11.2, ("fc.",), 889_000, LARGE),
    Published("regnet", "timm 400mf", _timm("regnety_004"), 382, 4.3, ("head.",), 441_000, SMALL),
    Published("regnet", "timm 1.6gf", _timm("regnety_016"), 624, 11.2, ("head.",), 889_000, LARGE),
]
each = pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row.extractor} ({row.layout})")


def _loaded(row: Published, state: dict[str, torch.Tensor], path: Path) -> torch.nn.Module:
    """The extractor's network with ``state`` in it, which lies in a file as such files usually hold it."""
    torch.save({"model": state, "epoch": 3}, path)
    weights = FileWeights(source="file", path=str(path))
    kind = EXTRACTORS[row.extractor]
    extractor = kind(kind.Settings(extractor=row.extractor, weights=weights, **row.settings))
    try:
        extractor.load(torch.device("cpu"))
    finally:
        path.unlink()
    return extractor.network


@each
def test_public_checkpoint_loads_to_the_key(row: Published, tmp_path: Path) -> None:
    state = seeded(row.shapes())
    network = _loaded(row, state, tmp_path / "public.pth")
    held = network.state_dict()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    assert len(held) == row.keys
    assert round((parameters + row.classifier) / 1e6, 1) == row.millions
    for key in state.keys() & held.keys():
        assert torch.equal(held[key], state[key]), key


@each
def test_one_renamed_key_stops_it(row: Published, tmp_path: Path) -> None:
    state = seeded(row.shapes())
    key = [key for key in state if not key.startswith(row.dropped or "\0") and not key.endswith(COUNTER)][-1]
    state[f"{key}_"] = state.pop(key)
    with pytest.raises(ValueError, match="1 missing, 1 unexpected, 0 mis-shaped keys") as caught:
        _loaded(row, state, tmp_path / "public.pth")
    assert "public.pth" in str(caught.value) and "renamed" in str(caught.value)
