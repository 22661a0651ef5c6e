"""From encoded frames to the scores of one task."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from abaw_pipeline.models.pooling import AttentionPooling, MeanPooling
from abaw_pipeline.models.settings import HeadSettings
from abaw_pipeline.models.streams import Target


class Head(nn.Module):
    """Fully connected layers ``width -> hidden... -> outputs``; a stack of its own per column where ``separate``.

    Attributes:
        outputs: columns + extra.
        hidden_width: of the last hidden layers of all stacks side by side.
    """

    def __init__(self, width: int, target: Target) -> None:
        super().__init__()
        settings = target.head
        self.outputs = target.columns + target.extra
        counts = [1] * target.columns + [target.extra] * (target.extra > 0) if settings.separate else [self.outputs]
        last = [width, *settings.hidden][-1]
        self.hidden_width = last * len(counts)
        self.pooling = _pooling(width, settings) if target.level == "clip" else None
        self.hidden = nn.ModuleList(_hidden(width, settings) for _ in counts)
        self.last = nn.ModuleList(nn.Linear(last, count) for count in counts)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Raw scores ``(B, T, outputs)`` and last hidden layers ``(B, T, hidden_width)``; without T for clips."""
        if self.pooling is not None:
            frames = self.pooling(frames, mask)
        hidden = [stack(frames) for stack in self.hidden]
        scores = [last(own) for last, own in zip(self.last, hidden, strict=True)]
        return torch.cat(scores, -1), torch.cat(hidden, -1)


def _pooling(width: int, settings: HeadSettings) -> nn.Module:
    return AttentionPooling(width) if settings.pooling == "attention" else MeanPooling()


def _hidden(width: int, settings: HeadSettings) -> nn.Sequential:
    """ReLU and dropout after each layer."""
    layers: list[nn.Module] = []
    for before, after in pairwise([width, *settings.hidden]):
        layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(settings.dropout)]
    return nn.Sequential(*layers)
