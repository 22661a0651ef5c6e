"""Gated recurrent units."""

from __future__ import annotations

from torch import nn

from abaw_pipeline.models.encoders.recurrent import RecurrentEncoder
from abaw_pipeline.models.encoders.settings import GruSettings


class GruEncoder(RecurrentEncoder):
    """GRU over each window, or on from segment to segment of a clip."""

    def __init__(self, settings: GruSettings) -> None:
        super().__init__(settings, nn.GRU)
