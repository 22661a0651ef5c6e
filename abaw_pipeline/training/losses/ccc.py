"""Concordance loss."""

from __future__ import annotations

import torch

from abaw_pipeline.training.losses.settings import CccLossSettings

_EPSILON = 1e-8  # a batch may hold one annotated frame, or a constant


class CccLoss(torch.nn.Module):
    """Sum over columns of ``1 - CCC`` (Lin, 1989; population moments over all annotated frames of the batch)."""

    def __init__(self, settings: CccLossSettings) -> None:
        super().__init__()

    def forward(self, prediction: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """``(n, C)`` and ``(n, C)`` to a scalar in [0, 2 C]."""
        mean_p, mean_t = prediction.mean(0), truth.mean(0)
        off_p, off_t = prediction - mean_p, truth - mean_t
        scale = off_p.square().mean(0) + off_t.square().mean(0) + (mean_p - mean_t).square()
        return (1 - 2 * (off_p * off_t).mean(0) / (scale + _EPSILON)).sum()
