"""Temporal models of a few units over three small features, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import TypeAdapter

from abaw_pipeline.models.encoders.settings import EncoderSettings
from abaw_pipeline.models.parts import Part
from abaw_pipeline.models.settings import FrameworkSettings, FusionSettings, HeadSettings
from abaw_pipeline.models.streams import Predicted, State, Target
from abaw_pipeline.models.temporal import TemporalModel
from tests.encoders import mask_of

PARTS = [Part("face", "visual", 3), Part("sound", "audio", 2), Part("pose", "visual", 2)]
"""The features of one modality need not stand next to each other."""
GRU = {"name": "gru", "hidden": 6}
CARRYING = GRU | {"carry_state": True}
TRANSFORMER = {"name": "transformer", "width": 8, "heads": 2, "layers": 2, "feedforward": 12, "dropout": 0.0}
MEAN_READ = TRANSFORMER | {"name": "gru_transformer", "hidden": 6, "branch_loss": "branches"}
FUSED_READ = TRANSFORMER | {"name": "twin_transformer"}
SHARE: dict[str, Any] = {"name": "share_bottom", "encoder": TRANSFORMER}
FEEDBACK: dict[str, Any] = {"name": "feedback", "encoder": TRANSFORMER, "source": "au", "target": "expr"}

_ENCODER: TypeAdapter[Any] = TypeAdapter(EncoderSettings)
_FUSION: TypeAdapter[Any] = TypeAdapter(FusionSettings)
_FRAMEWORK: TypeAdapter[Any] = TypeAdapter(FrameworkSettings)


def encoder_of(raw: Any) -> Any:
    return _ENCODER.validate_python(raw)


def fusion_of(raw: Any) -> Any:
    return _FUSION.validate_python(raw)


def framework_of(raw: Any) -> Any:
    return _FRAMEWORK.validate_python(raw)


def target(columns: int = 2, extra: int = 0, activation: Any = "tanh", level: Any = "frame", **head: Any) -> Target:
    return Target(columns, extra, activation, level, HeadSettings(**head))


def model(
    encoder: Any = GRU,
    fusion: Any = "early",
    framework: Any = "basic",
    targets: Mapping[str, Target] | None = None,
    parts: list[Part] = PARTS,
) -> TemporalModel:
    """Seeded, not training; one task ``va`` unless others are given."""
    torch.manual_seed(0)
    own = targets or {"va": target(hidden=[5])}
    return TemporalModel(parts, own, encoder_of(encoder), fusion_of(fusion), framework_of(framework)).eval()


def batch(*lengths: int, parts: list[Part] = PARTS) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Frames, known and mask of windows of these lengths; a third of the values are unknown."""
    mask, draw = mask_of(*lengths), torch.Generator().manual_seed(1)
    known = torch.rand(*mask.shape, len(parts), generator=draw) > 0.3
    widths = torch.tensor([part.dimension for part in parts])
    frames = torch.randn(*mask.shape, int(widths.sum()), generator=draw)
    return frames * known.repeat_interleave(widths, -1), known, mask


def in_segments(
    network: TemporalModel, frames: torch.Tensor, known: torch.Tensor, length: int
) -> tuple[dict[str, torch.Tensor], State]:
    """Whole clips ``(B, T, D)`` segment by segment: values of all tasks, and the last state."""
    state: State | None = None
    parts: list[Predicted] = []
    for part, own in zip(frames.split(length, 1), known.split(length, 1), strict=True):
        parts.append(network(part, own, torch.ones(part.shape[:2], dtype=torch.bool), state))
        state = parts[-1].state
    return {task: torch.cat([part.values[task] for part in parts], 1) for task in parts[0].values}, state or {}
