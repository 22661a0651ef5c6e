"""Concordance loss."""

from __future__ import annotations

import torch

from abaw_pipeline.tasks import Task
from abaw_pipeline.training.labelled import Labels
from abaw_pipeline.training.losses.masked import column_means, column_weights
from abaw_pipeline.training.losses.settings import CccLossSettings

_EPSILON = 1e-8  # a batch may hold one annotated frame, or a constant


class CccLoss(torch.nn.Module):
    """Sum over columns of ``1 - CCC`` (Lin, 1989; population moments over all annotated frames of the batch)."""

    weights: torch.Tensor

    def __init__(self, settings: CccLossSettings, task: Task, labels: Labels) -> None:
        super().__init__()
        self.register_buffer("weights", column_weights(settings.column_weights, len(task.columns)))

    def forward(self, scores: torch.Tensor, truth: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
        """``(n, C)`` each to a scalar in [0, 2 x the sum of the weights]; see ``losses/__init__.py``."""
        scores, truth = scores.masked_fill(~marks, 0), truth.masked_fill(~marks, 0)
        mean_s, mean_t = column_means(scores, marks), column_means(truth, marks)
        off_s, off_t = scores - mean_s, truth - mean_t
        spread = column_means(off_s.square() + off_t.square(), marks) + (mean_s - mean_t).square()
        ccc = 2 * column_means(off_s * off_t, marks) / (spread + _EPSILON)
        return ((1 - ccc) * self.weights * marks.any(0)).sum()
