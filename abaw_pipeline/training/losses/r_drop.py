"""How far two passes of one batch, with different dropout, are apart (R-Drop; Liang et al., 2021)."""

from __future__ import annotations

import torch

from abaw_pipeline.tasks import Task


def divergence(task: Task, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Mean over rows of ``(D(p || q) + D(q || p)) / 2``, as in the paper.

    D is the Kullback-Leibler divergence: of classes (softmax), or of each label (sigmoid) and then their mean. Values,
    intensities and numbers have no distribution: the mean squared difference stands in.

    Args:
        first: scores ``(n, columns + extra)`` of the rows that count, logits for classes and labels; extra ones are
            not compared. 0 where there are no rows.
        second: those of the other pass.
    """
    first, second = first[:, : len(task.columns)], second[:, : len(task.columns)]
    if task.kind == "class":  # what the logarithms of both softmax denominators add cancels: p and q sum to 1
        each = ((first.softmax(1) - second.softmax(1)) * (first - second)).sum(1, keepdim=True) / 2
    elif task.kind == "labels":
        each = (first.sigmoid() - second.sigmoid()) * (first - second) / 2
    else:
        each = (first - second).square()
    return each.sum() / max(each.numel(), 1)
