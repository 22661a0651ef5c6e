"""Squared error."""

from __future__ import annotations

import torch

from abaw_pipeline.tasks import Task
from abaw_pipeline.training.labelled import Labels
from abaw_pipeline.training.losses.masked import column_means, column_weights
from abaw_pipeline.training.losses.settings import MseLossSettings


class MseLoss(torch.nn.Module):
    """Mean over columns of the weighted mean squared error of their annotated frames."""

    weights: torch.Tensor

    def __init__(self, settings: MseLossSettings, task: Task, labels: Labels) -> None:
        super().__init__()
        self.register_buffer("weights", column_weights(settings.column_weights, len(task.columns)))

    def forward(self, scores: torch.Tensor, truth: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
        """``(n, C)`` each to a scalar; see ``losses/__init__.py``."""
        return (squared_errors(scores, truth, marks) * self.weights).mean()


def squared_errors(scores: torch.Tensor, truth: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
    """Mean squared error of each column's marked values, ``(n, C)`` each to ``(C,)``."""
    return column_means((scores - truth).masked_fill(~marks, 0).square(), marks)
