"""Convolution over the frames of a window."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import pad


class MaskedConv1d(nn.Module):
    """``(B, T, inputs)`` to ``(B, T, outputs)``; beyond a window's ends and in padding stand zeros.

    A frame sees ``kernel`` frames, ``dilation`` apart: itself and the past where causal, else as many before it as
    after it (an even number of others is needed for that; of an odd one the past gets one more).

    Attributes:
        reach: (frames before, frames after) that a frame sees.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, dilation: int = 1, causal: bool = False, bias: bool = True
    ) -> None:
        super().__init__()
        others = (kernel - 1) * dilation
        ahead = 0 if causal else others // 2
        self.reach = (others - ahead, ahead)
        self.conv = nn.Conv1d(inputs, outputs, kernel, dilation=dilation, bias=bias)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Frames and ``mask`` ``(B, T)``, false for padding, whatever it holds."""
        known = frames.masked_fill(~mask[..., None], 0.0)
        return self.conv(pad(known.transpose(1, 2), self.reach)).transpose(1, 2)
