"""Multi-head self-attention whose heads may be of any width, which that of torch does not allow."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention


class SelfAttention(nn.Module):
    """Multi-head attention (Vaswani et al., 2017, 3.2.2) of ``(B, T, width)`` to itself; padding is not attended to.

    Weights begin as those of ``torch.nn.MultiheadAttention``.
    """

    def __init__(self, width: int, heads: int, head_width: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.inputs = nn.Linear(width, 3 * heads * head_width)
        self.outputs = nn.Linear(heads * head_width, width)
        nn.init.xavier_uniform_(self.inputs.weight)
        nn.init.zeros_(self.inputs.bias)
        nn.init.zeros_(self.outputs.bias)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        dropout = self.dropout if self.training else 0.0
        return self.outputs(attend(self.inputs(frames), self.heads, dropout, mask[:, None, None, :]))


def attend(projected: torch.Tensor, heads: int, dropout: float, seen: torch.Tensor | None = None) -> torch.Tensor:
    """Queries, keys and values side by side ``(..., N, 3 W)`` to what each of N rows takes from all ``(..., N, W)``.

    Args:
        seen: bool, broadcast to ``(..., heads, N, N)``: which rows (last) a row sees.
    """
    query, key, value = projected.unflatten(-1, (3, heads, -1)).transpose(-4, -2).unbind(-3)
    taken = scaled_dot_product_attention(query, key, value, attn_mask=seen, dropout_p=dropout)
    return taken.transpose(-3, -2).flatten(-2)
