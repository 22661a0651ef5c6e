"""Cross entropy of labels."""

from __future__ import annotations

import torch
from torch.nn import functional

from abaw_pipeline.tasks import Task
from abaw_pipeline.training.labelled import Labels
from abaw_pipeline.training.losses.masked import column_means, column_weights
from abaw_pipeline.training.losses.settings import BceSettings
from abaw_pipeline.training.losses.weights import positive_weights


class BceLoss(torch.nn.Module):
    """Sigmoid cross entropy; mean over columns of w_c times the mean over the column's annotated frames of

    ``-(q_c y log p + (1 - y) log(1 - p))``, with column weights w and positive weights q.
    """

    positive: torch.Tensor
    weights: torch.Tensor

    def __init__(self, settings: BceSettings, task: Task, labels: Labels) -> None:
        super().__init__()
        self.register_buffer("positive", torch.from_numpy(positive_weights(settings.positive_weights, labels)).float())
        self.register_buffer("weights", column_weights(settings.column_weights, len(task.columns)))

    def forward(self, scores: torch.Tensor, truth: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
        """``(n, C)`` each to a scalar; see ``losses/__init__.py``."""
        scores, truth = scores.masked_fill(~marks, 0), truth.masked_fill(~marks, 0)
        each = functional.binary_cross_entropy_with_logits(scores, truth, pos_weight=self.positive, reduction="none")
        return (column_means(each, marks) * self.weights).mean()
