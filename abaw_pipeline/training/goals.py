"""The tasks that a network is trained for: their labels on the device, and their losses.

Shape letters: B windows, T frames, r label rows, n annotated frames of a batch, W label width, C columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from abaw_pipeline.models.streams import Predicted
from abaw_pipeline.tasks import Task
from abaw_pipeline.training.labelled import Labels
from abaw_pipeline.training.losses.r_drop import divergence
from abaw_pipeline.training.registry import build_loss
from abaw_pipeline.training.settings import CompleteTarget
from abaw_pipeline.training.windows import Windows

Places = tuple[torch.Tensor, torch.Tensor]
"""Where annotated frames stand in a batch of B x T (annotated windows in one of B, for labels of clips), and the label
row of each; int64 ``(n,)`` both."""


class Goal:
    """One task of the training side.

    Args:
        labels: one row per frame of the long table, or one per clip.

    Attributes:
        weight: of its loss in the sum over tasks.
        annotated: ``(r,)`` bool, on the CPU.
    """

    def __init__(self, task: Task, target: CompleteTarget, labels: Labels, device: torch.device) -> None:
        self.task, self.weight = task, target.weight
        self.annotated = torch.from_numpy(labels.annotated)
        self._loss = build_loss(target.loss, task, labels).to(device)
        self._values = torch.from_numpy(labels.values).to(device)
        self._marks = torch.from_numpy(labels.marks).to(device)

    def places(self, windows: Windows, rows: torch.Tensor, mask: torch.Tensor) -> Places:
        """What is annotated in a batch. Found on the CPU, so that a GPU is never waited for.

        Args:
            windows, rows, mask: of the batch, on the CPU.
        """
        if self.task.level == "clip":
            at = self.annotated[windows.clips].nonzero()[:, 0]
            return at, windows.clips[at]
        at = (self.annotated[rows] & mask).flatten().nonzero()[:, 0]
        return at, rows.flatten()[at]

    def loss(self, passes: Sequence[Predicted], places: Places, r_drop: float) -> torch.Tensor:
        """Weighted sum over the terms of the task, float32.

        Args:
            passes: what the network made of the batch: once, or twice for R-Drop, whose loss is the mean over both
                plus ``r_drop`` times their divergence (Liang et al., 2021, Eq. 4).
            places: as ``places`` found them, on the device; at least one.
        """
        at, labels = places
        values, marks = self._values[labels], self._marks[labels]
        total = torch.zeros((), device=at.device)
        for terms in zip(*(one.terms[self.task.name] for one in passes), strict=True):
            scores = [term.scores.flatten(0, -2).index_select(0, at).float() for term in terms]
            loss = torch.stack([self._loss(one, values, marks) for one in scores]).mean()
            if len(scores) == 2:
                loss = loss + r_drop * divergence(self.task, *scores)
            total = total + terms[0].weight * loss
        return total
