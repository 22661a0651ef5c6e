"""Several networks that see the same pictures, as one."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn


class SideBySide(nn.Module):
    """Their features ``(B, Dᵢ)``, joined in the given order to ``(B, ΣDᵢ)``."""

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return torch.cat([network(pictures) for network in self.networks], 1)
