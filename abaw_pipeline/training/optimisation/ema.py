"""Exponential moving average of weights."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

Network = TypeVar("Network", bound=nn.Module)


class Average(Generic[Network]):
    """A copy of a network whose weights follow: ``average = decay * average + (1 - decay) * weights`` a step.

    It begins at the weights that the network begins at. Buffers are copied as they are. ``AveragedModel`` of torch
    does the same, but waits for the GPU at every step to count.

    Attributes:
        network: the average, to predict with.
    """

    def __init__(self, network: Network, decay: float) -> None:
        device = next(network.parameters()).device
        self.network = copy.deepcopy(network).requires_grad_(False).to(device)  # .to: recurrent weights in one piece
        self._mix = get_ema_multi_avg_fn(decay)

    @torch.no_grad()
    def follow(self, network: Network) -> None:
        """Take in the weights after a step."""
        self._mix(list(self.network.parameters()), list(network.parameters()), None)
        for own, theirs in zip(self.network.buffers(), network.buffers(), strict=True):
            own.copy_(theirs)
