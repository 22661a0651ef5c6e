"""What the recurrent encoders share.

Shape letters: B windows, T frames, H units, L layers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from abaw_pipeline.models.encoders.base import Encoder
from abaw_pipeline.models.encoders.settings import Recurrent
from abaw_pipeline.models.streams import Encoded, State

Network = nn.GRU | nn.LSTM
Carried = torch.Tensor | tuple[torch.Tensor, torch.Tensor]
"""What torch's networks begin and end with, ``(L, B, H)`` each: the GRU's hidden state, or the LSTM's and its cells."""


class Lstm(nn.LSTM):
    """Runs in float32 on a CPU, autocast or not: on one without AVX-512 torch's bfloat16 LSTM fails."""

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, tuple[torch.Tensor, torch.Tensor]]:
        if input.is_cuda:
            return super().forward(input, hx)
        with torch.autocast("cpu", enabled=False):
            return super().forward(input.float(), hx)


def build_network(
    kind: type[Network], width: int, hidden: int, layers: int, dropout: float = 0.0, bidirectional: bool = False
) -> Network:
    """A network over ``(B, T, width)``; dropout is between layers, and torch warns of one on a single layer."""
    between = dropout if layers > 1 else 0.0
    return kind(width, hidden, layers, batch_first=True, dropout=between, bidirectional=bidirectional)


class RecurrentEncoder(Encoder):
    """``(B, T, H)`` to ``(B, T, H)``, twice as wide where bidirectional.

    Args:
        kind: ``nn.GRU`` or ``Lstm``.
    """

    def __init__(self, settings: Recurrent, kind: type[Network]) -> None:
        super().__init__(settings.hidden * (1 + settings.bidirectional), carries_state=settings.carry_state)
        self.network = build_network(
            kind, settings.input_width, settings.hidden, settings.layers, settings.dropout, settings.bidirectional
        )

    def forward(self, frames: torch.Tensor, mask: torch.Tensor, state: State | None = None) -> Encoded:
        if self.carries_state:
            return carried_on(self.network, frames, mask, state)
        if self.network.bidirectional:
            return Encoded(_padded(self.network, frames, mask)[0])
        return Encoded(self.network(frames)[0])  # causal: the padding after a frame cannot reach it


def carried_on(network: Network, frames: torch.Tensor, mask: torch.Tensor, state: State | None) -> Encoded:
    """What a network of one direction makes, from the state of the segment before to that of the next."""
    main, last = _padded(network, frames, mask, _layers_first(state))
    return Encoded(main, state=_windows_first(last))


def _padded(
    network: Network, frames: torch.Tensor, mask: torch.Tensor, first: Carried | None = None
) -> tuple[torch.Tensor, Carried]:
    """What a network makes of the real frames, zeros for the others; and its state after the last real one."""
    lengths = mask.sum(1).cpu()
    if lengths.min() == frames.shape[1]:  # packing more than doubles the time of a GRU
        return network(frames, first)
    packed = pack_padded_sequence(frames, lengths, batch_first=True, enforce_sorted=False)
    made, last = network(packed, first)
    return pad_packed_sequence(made, batch_first=True, total_length=frames.shape[1])[0], last


def _layers_first(state: State | None) -> Carried | None:
    """State of ``Encoded``, ``(B, L, H)``, as torch's networks take it; they begin with zeros for ``None``."""
    if not state:
        return None
    hidden = state["hidden"].transpose(0, 1).contiguous()
    return (hidden, state["cell"].transpose(0, 1).contiguous()) if "cell" in state else hidden


def _windows_first(last: Carried) -> State:
    if isinstance(last, tuple):
        return {"hidden": last[0].transpose(0, 1), "cell": last[1].transpose(0, 1)}
    return {"hidden": last.transpose(0, 1)}
