"""Optimisers and learning-rate schedules."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LRScheduler

from abaw_pipeline.training.optimisation.settings import OptimiserSettings, ScheduleSettings


def build_optimiser(settings: OptimiserSettings, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.name]
    return kind(parameters, lr=settings.lr, weight_decay=settings.weight_decay)


def build_schedule(settings: ScheduleSettings, optimiser: torch.optim.Optimizer, steps: int) -> LRScheduler:
    """A schedule stepped once a batch, ``steps`` times in all."""
    if settings.name == "cosine":
        return CosineAnnealingLR(optimiser, T_max=steps)
    return LambdaLR(optimiser, lambda step: 1.0)
