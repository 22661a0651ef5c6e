"""Means over what is annotated."""

from __future__ import annotations

import torch


def column_means(values: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
    """Mean of each column's marked values; ``(n, C)`` and bool ``(n, C)`` to ``(C,)``, 0 where none is marked."""
    return values.masked_fill(~marks, 0).sum(0) / marks.sum(0).clamp(min=1)


def column_weights(given: list[float] | None, columns: int) -> torch.Tensor:
    """``(C,)``, ones where none are given."""
    return torch.ones(columns) if given is None else torch.tensor(given)
