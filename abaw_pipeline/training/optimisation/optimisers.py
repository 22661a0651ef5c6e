"""Optimisers."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from abaw_pipeline.training.optimisation.settings import OptimiserSettings


def build_optimiser(settings: OptimiserSettings, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimiser that ``settings`` describe; its learning rate is set anew for every step (``set_rate``)."""
    rate, decay = settings.lr, settings.weight_decay
    if settings.name == "sgd":
        return torch.optim.SGD(parameters, rate, momentum=settings.momentum, weight_decay=decay)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.name]
    return kind(parameters, rate, betas=(settings.beta1, 0.999), weight_decay=decay)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Use ``rate`` as the learning rate of all parameters."""
    for group in optimiser.param_groups:
        group["lr"] = rate
