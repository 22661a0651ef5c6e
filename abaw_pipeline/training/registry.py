"""Losses by their name in the settings."""

from __future__ import annotations

from torch import nn

from abaw_pipeline.training.losses.ccc import CccLoss
from abaw_pipeline.training.losses.settings import LossSettings

LOSSES: dict[str, type[nn.Module]] = {"ccc": CccLoss}


def build_loss(settings: LossSettings) -> nn.Module:
    return LOSSES[settings.name](settings)
