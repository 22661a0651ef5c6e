"""From the frames of a window to one row, for tasks with one label per clip. Padding never counts."""

from __future__ import annotations

import torch
from torch import nn


class MeanPooling(nn.Module):
    """Mean over frames, ``(B, T, W)`` to ``(B, W)``."""

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return frames.masked_fill(~mask[..., None], 0.0).sum(1) / mask.sum(1, keepdim=True)


class AttentionPooling(nn.Module):
    """Mean over frames weighted by a softmax over time of a learned score, ``(B, T, W)`` to ``(B, W)``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)

    def weights(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """``(B, T)``, 0 for padding; they sum to 1."""
        return self.score(frames)[..., 0].masked_fill(~mask, -torch.inf).softmax(1)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return (self.weights(frames, mask)[:, None] @ frames)[:, 0]
