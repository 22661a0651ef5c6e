"""What every encoder has in common.

Shape letters: B windows, T frames, W width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Literal

import torch
from torch import nn

from abaw_pipeline.models.streams import Encoded, State

Readout = Literal["single", "mean", "fused"]
"""How what an encoder makes becomes a prediction.

``single``: one head, on ``main``.
``mean``: a head on every branch; the prediction is the mean of their scores, the loss a weighted sum of losses.
``fused``: a head on every branch; their scores side by side go through two further layers to the prediction; the loss
is the mean of that of every head and that of the fused scores.
"""


class Encoder(nn.Module, ABC):
    """Frames of windows to frames that know of the others.

    Padding stands at a window's end. Neither it nor what shares the batch ever influences a real frame; what stands
    where padding was means nothing, but is finite.

    Args:
        width: of ``Encoded.main``.
        branches: width of each stream of ``Encoded.branches``, in the order in which heads read them; always all.
        branch_weights: ``mean`` alone: weight in the loss of the branches that have a loss of their own, and of
            ``mean``, the mean of all.
        carries_state: ``forward`` takes the state that the clips' last segment ended with, and returns the next;
            the state of other encoders is empty.
    """

    def __init__(
        self,
        width: int,
        readout: Readout = "single",
        branches: Mapping[str, int] | None = None,
        branch_weights: Mapping[str, float] | None = None,
        carries_state: bool = False,
    ) -> None:
        super().__init__()
        self.width = width
        self.readout: Readout = readout
        self.branches = dict(branches or {})
        self.branch_weights = dict(branch_weights or {})
        self.carries_state = carries_state

    @abstractmethod
    def forward(self, frames: torch.Tensor, mask: torch.Tensor, state: State | None = None) -> Encoded:
        """Projected frames ``(B, T, input_width)`` to ``(B, T, W)``.

        Args:
            mask: bool ``(B, T)``, true for frames, false for padding.
            state: what the segment before ended with; ``None`` at the start of clips.
        """
