"""Encoders of a few units, for tests."""

from __future__ import annotations

from typing import Any

import torch
from pydantic import TypeAdapter
from torch import nn

from abaw_pipeline.models.encoders.base import Encoder
from abaw_pipeline.models.encoders.settings import EncoderSettings
from abaw_pipeline.models.registry import build_encoder
from abaw_pipeline.models.streams import Encoded

_SETTINGS: TypeAdapter[Any] = TypeAdapter(EncoderSettings)


def encoder(name: str, **settings: Any) -> Encoder:
    """Of the given settings, seeded, without dropout unless they say so, not training."""
    torch.manual_seed(0)
    return build_encoder(_SETTINGS.validate_python({"name": name, "dropout": 0.0, **settings})).eval()


def input_width(name: str, **settings: Any) -> int:
    """Of the frames that such an encoder takes."""
    return int(_SETTINGS.validate_python({"name": name, **settings}).input_width)


def mask_of(*lengths: int) -> torch.Tensor:
    """Mask ``(B, T)`` of windows of these lengths, padded to the longest."""
    return torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]


def streams(encoded: Encoded) -> dict[str, torch.Tensor]:
    """All that has frames, ``main`` first."""
    return {"main": encoded.main, **encoded.branches}


def open_gates(network: nn.Module) -> None:
    """Makes all weights positive, so that no ReLU of positive input is shut."""
    for parameter in network.parameters():
        parameter.data.abs_()
