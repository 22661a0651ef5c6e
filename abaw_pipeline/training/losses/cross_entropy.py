"""Cross entropy of classes."""

from __future__ import annotations

import torch
from torch.nn import functional

from abaw_pipeline.tasks import Task
from abaw_pipeline.training.labelled import Labels
from abaw_pipeline.training.losses.settings import CrossEntropySettings
from abaw_pipeline.training.losses.weights import class_weights

_UNMARKED = -100


class CrossEntropyLoss(torch.nn.Module):
    """Softmax cross entropy; the mean over annotated frames, each weighted as its class.

    With weights w and label smoothing e of K classes, a frame of class y gives
    ``-(1 - e) w_y log p_y - e / K sum_c w_c log p_c``, and the sum over frames is divided by that of their ``w_y``.
    """

    weights: torch.Tensor

    def __init__(self, settings: CrossEntropySettings, task: Task, labels: Labels) -> None:
        super().__init__()
        self.smoothing = settings.label_smoothing
        weights = class_weights(settings.class_weights, len(task.columns), labels)
        self.register_buffer("weights", torch.from_numpy(weights).float())

    def forward(self, scores: torch.Tensor, truth: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
        """``(n, K)``, ``(n, 1)`` and ``(n, 1)`` to a scalar; see ``losses/__init__.py``."""
        scores, marked = scores.masked_fill(~marks, 0), marks[:, 0]
        weights = self.weights.to(scores.dtype)
        classes = truth[:, 0].masked_fill(~marked, 0).long()
        total = functional.cross_entropy(
            scores,
            classes.masked_fill(~marked, _UNMARKED),
            weights,
            ignore_index=_UNMARKED,
            reduction="sum",
            label_smoothing=self.smoothing,
        )
        weight = (weights[classes] * marked).sum()
        return total / torch.where(marked.any(), weight, 1)  # not torch's own mean: that is NaN without a marked frame
