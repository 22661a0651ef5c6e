"""Two whole Transformers, T1 and T2, with the expansion-compression block (JNU, ABAW3, action units)."""

from __future__ import annotations

import torch
from torch import nn

from abaw_pipeline.models.encoders.base import Encoder
from abaw_pipeline.models.encoders.blocks import EncoderDecoder
from abaw_pipeline.models.encoders.settings import TwinTransformerSettings
from abaw_pipeline.models.streams import Encoded, State


class ExpansionCompression(nn.Module):
    """``F_ec = ReLU(W2 ReLU(W1 x))``, hidden ``round(expansion width)`` wide; He initialisation, normal."""

    def __init__(self, width: int, expansion: float) -> None:
        super().__init__()
        wide = max(1, round(expansion * width))
        self.expand = nn.Linear(width, wide, bias=False)
        self.compress = nn.Linear(wide, width, bias=False)
        for layer in (self.expand, self.compress):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return self.compress(self.expand(frames).relu()).relu()


class TwinTransformerEncoder(Encoder):
    """``(B, T, width)`` to ``(B, T, 3 width)``: T1, F_ec and T2 side by side, each of them a branch.

    T1's source and target are the input, T2's source is F_ec. Of ``only_t1`` nothing but T1 remains.
    """

    def __init__(self, settings: TwinTransformerSettings) -> None:
        if settings.only_t1:
            super().__init__(settings.width)
        else:
            super().__init__(3 * settings.width, "fused", dict.fromkeys(("t1", "f_ec", "t2"), settings.width))
            self.f_ec = ExpansionCompression(settings.width, settings.expansion)
            self.t2 = EncoderDecoder(settings)
        self.t1 = EncoderDecoder(settings)
        self.decodes_t1 = settings.target == "t1"

    def forward(self, frames: torch.Tensor, mask: torch.Tensor, state: State | None = None) -> Encoded:
        t1 = self.t1(frames, frames, mask)
        if not self.branches:
            return Encoded(t1)
        f_ec = self.f_ec(frames)
        t2 = self.t2(f_ec, t1 if self.decodes_t1 else frames, mask)
        return Encoded(torch.cat([t1, f_ec, t2], -1), {"t1": t1, "f_ec": f_ec, "t2": t2})
