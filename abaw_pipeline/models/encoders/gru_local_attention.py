"""GRU, then attention to near frames."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from abaw_pipeline.models.encoders.base import Encoder
from abaw_pipeline.models.encoders.recurrent import build_network
from abaw_pipeline.models.encoders.settings import GruLocalAttentionSettings
from abaw_pipeline.models.streams import Encoded, State


class GruLocalAttentionEncoder(Encoder):
    """``a = LA(h)``, ``h' = LA((h + a) / 2)`` of the GRU's output h: ``(B, T, hidden)`` to ``(B, T, hidden)``."""

    def __init__(self, settings: GruLocalAttentionSettings) -> None:
        super().__init__(settings.hidden)
        self.window = settings.window
        self.causal = settings.causal
        self.gru = build_network(nn.GRU, settings.input_width, settings.hidden, settings.layers, settings.dropout)
        self.activation = nn.Tanh() if settings.tanh else nn.Identity()

    def forward(self, frames: torch.Tensor, mask: torch.Tensor, state: State | None = None) -> Encoded:
        hidden = self.gru(frames)[0]
        attended = local_attention(hidden, mask, self.window, self.causal)
        return Encoded(self.activation(local_attention((hidden + attended) / 2, mask, self.window, self.causal)))


def local_attention(frames: torch.Tensor, mask: torch.Tensor, window: int, causal: bool) -> torch.Tensor:
    """Scaled dot-product attention of ``(B, T, W)`` to itself, every frame to ``window`` frames at most.

    They are itself and the ``window - 1`` before it; if not causal, half of these follow it (rounded down). All T x T
    products are taken, and masked: it is the simplest, and blocks of ``window`` frames with the neighbours that they
    see would take as many at T = window and half as many at T = 4 window, beside a GRU that takes far longer.
    """
    steps = torch.arange(frames.shape[1], device=frames.device)
    behind = steps[:, None] - steps
    ahead = 0 if causal else (window - 1) // 2
    near = (behind >= -ahead) & (behind < window - ahead)
    # A padded frame sees itself: a row without any key would be NaN.
    seen = near & (mask[:, None, :] | (behind == 0))
    return scaled_dot_product_attention(frames, frames, frames, attn_mask=seen)
