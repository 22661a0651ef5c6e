"""From what an encoder makes to what the model says about one task.

Shape letters: B windows, T frames (absent for tasks of the level ``clip``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from abaw_pipeline.models.encoders import base
from abaw_pipeline.models.heads import Head
from abaw_pipeline.models.streams import Encoded, Target, Term


class Encoding(Protocol):
    """What declares an ``Encoded``, an encoder or a fusion: see ``encoders.base.Encoder``."""

    width: int
    readout: base.Readout
    branches: dict[str, int]
    branch_weights: dict[str, float]


@dataclass(frozen=True)
class Read:
    """One task's share of ``Predicted``, and the last hidden layers of its heads, ``(B, T, hidden_width)``."""

    values: torch.Tensor
    terms: list[Term]
    hidden: torch.Tensor


class Readout(nn.Module):
    """Heads on main or on the branches, and what becomes of their scores: see ``encoders.base.Readout``.

    Attributes:
        hidden_width: of ``Read.hidden``.
    """

    def __init__(self, encoding: Encoding, target: Target) -> None:
        super().__init__()
        self.kind, self.weights, self.target = encoding.readout, encoding.branch_weights, target
        widths = {"main": encoding.width} if self.kind == "single" else encoding.branches
        heads = {name: Head(width, target) for name, width in widths.items()}
        self.hidden_width = sum(head.hidden_width for head in heads.values())
        self.heads = nn.ModuleDict(heads)
        if self.kind == "fused":
            self.fusing = _fusing_layers(len(heads), target.columns + target.extra)

    def forward(self, encoded: Encoded, mask: torch.Tensor) -> Read:
        streams = {"main": encoded.main} if self.kind == "single" else encoded.branches
        heads = [head(streams[name], mask) for name, head in self.heads.items()]
        raw, hidden = ([pair[i] for pair in heads] for i in (0, 1))
        final, terms = self._summed_up(raw)
        return Read(final[..., : self.target.columns], terms, torch.cat(hidden, -1))

    def _summed_up(self, raw: list[torch.Tensor]) -> tuple[torch.Tensor, list[Term]]:
        """The scores that predict, and the terms of the loss."""
        scores = [self._activated(one) for one in raw]
        if self.kind == "single":
            return scores[0], [Term(scores[0], 1.0)]
        if self.kind == "mean":
            final = torch.stack(scores).mean(0)
            named = {**dict(zip(self.heads, scores, strict=True)), "mean": final}
            return final, [Term(named[name], weight) for name, weight in self.weights.items()]
        final = self._activated(self.fusing(torch.cat(raw, -1)))
        return final, [Term(one, 1 / (1 + len(scores))) for one in (*scores, final)]

    def _activated(self, raw: torch.Tensor) -> torch.Tensor:
        """Columns pass through the target's activation, extra outputs stay as they are."""
        if self.target.activation == "none":
            return raw
        columns, extra = raw.split([self.target.columns, self.target.extra], -1)
        return torch.cat([getattr(torch, self.target.activation)(columns), extra], -1)


def _fusing_layers(heads: int, outputs: int) -> nn.Sequential:
    """Two layers over the scores of all heads side by side: 36-36-12 for three heads of 12 units (JNU, ABAW3)."""
    return nn.Sequential(nn.Linear(heads * outputs, heads * outputs), nn.ReLU(), nn.Linear(heads * outputs, outputs))
