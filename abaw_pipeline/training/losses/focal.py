"""Focal loss."""

from __future__ import annotations

import torch
from torch.nn import functional

from abaw_pipeline.tasks import Task
from abaw_pipeline.training.labelled import Labels
from abaw_pipeline.training.losses.masked import column_means
from abaw_pipeline.training.losses.settings import FocalSettings


class FocalLoss(torch.nn.Module):
    """``-alpha_t (1 - p_t)^gamma log p_t`` (Lin et al., 2017, Eq. 5), of labels or of classes.

    Labels: the mean over columns of the mean over their annotated frames. Classes: the mean over annotated frames;
    smoothed labels weigh the term of every class by its share of the target.
    """

    def __init__(self, settings: FocalSettings, task: Task, labels: Labels) -> None:
        super().__init__()
        self.alpha, self.gamma, self.smoothing = settings.alpha, settings.gamma, settings.label_smoothing
        self.classes = task.kind == "class"

    def forward(self, scores: torch.Tensor, truth: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
        """``(n, C)``, ``(n, W)`` and ``(n, W)`` to a scalar; see ``losses/__init__.py``."""
        scores, truth = scores.masked_fill(~marks, 0), truth.masked_fill(~marks, 0)
        each = self._of_classes(scores, truth) if self.classes else self._of_labels(scores, truth)
        return column_means(each, marks).mean()

    def _of_labels(self, scores: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        present, absent = (1, 1) if self.alpha is None else (self.alpha, 1 - self.alpha)
        of_present, of_absent = (self._focused(functional.logsigmoid(signed)) for signed in (scores, -scores))
        return present * truth * of_present + absent * (1 - truth) * of_absent

    def _of_classes(self, scores: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        count = scores.shape[1]
        target = functional.one_hot(truth[:, 0].long(), count).to(scores.dtype)
        target = target * (1 - self.smoothing) + self.smoothing / count
        each = (target * self._focused(scores.log_softmax(1))).sum(1, keepdim=True)
        return each if self.alpha is None else self.alpha * each

    def _focused(self, log_p: torch.Tensor) -> torch.Tensor:
        """``-(1 - p)^gamma log p``; ``1 - p`` stays above 0, where a gamma below 1 has no derivative."""
        rest = (-torch.expm1(log_p)).clamp(min=torch.finfo(log_p.dtype).tiny)
        return -(rest**self.gamma) * log_p
