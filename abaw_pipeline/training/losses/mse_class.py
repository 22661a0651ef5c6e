"""Squared error of intensities beside cross entropy of which is highest."""

from __future__ import annotations

import torch

from abaw_pipeline.tasks import Task
from abaw_pipeline.training.labelled import Labels
from abaw_pipeline.training.losses.masked import column_means
from abaw_pipeline.training.losses.mse import squared_errors
from abaw_pipeline.training.losses.settings import MseClassSettings


class MseClassLoss(torch.nn.Module):
    """``mse`` x mean squared error + ``ce`` x cross entropy of a class head (HFUT, ABAW5 ERI, Eq. 8).

    The class is the column whose intensity is highest; where several are, their first, or each in equal shares.
    """

    def __init__(self, settings: MseClassSettings, task: Task, labels: Labels) -> None:
        super().__init__()
        self.mse, self.ce, self.several = settings.mse, settings.ce, settings.several

    def forward(self, scores: torch.Tensor, truth: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
        """``(n, 2 C)`` (intensities, then class scores), ``(n, C)`` and ``(n, C)`` to a scalar.

        A row counts for the class where all its intensities count.
        """
        columns = truth.shape[1]
        whole = marks.all(1, keepdim=True)
        target = self._target(truth.masked_fill(~marks, 0))
        log_p = scores[:, columns:].masked_fill(~whole, 0).log_softmax(1)
        entropy = column_means(-(target * log_p).sum(1, keepdim=True), whole)[0]
        return self.mse * squared_errors(scores[:, :columns], truth, marks).mean() + self.ce * entropy

    def _target(self, truth: torch.Tensor) -> torch.Tensor:
        """Share of each class in the target, ``(n, C)``."""
        highest = truth == truth.amax(1, keepdim=True)
        if not self.several:
            highest &= highest.cumsum(1) == 1
        return highest.to(truth.dtype) / highest.sum(1, keepdim=True)
