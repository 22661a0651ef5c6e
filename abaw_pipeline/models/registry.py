"""Encoders by their name in the settings."""

from __future__ import annotations

from typing import Any

from abaw_pipeline.models.encoders.gru import GruEncoder
from abaw_pipeline.models.encoders.transformer import TransformerEncoder
from abaw_pipeline.models.encoders.settings import EncoderSettings

ENCODERS: dict[str, type[Any]] = {
    "gru": GruEncoder,
    "transformer": TransformerEncoder,
}


def build_encoder(settings: EncoderSettings) -> Any:
    """The encoder that ``settings`` describes: a module whose ``width`` is that of its output."""
    return ENCODERS[settings.name](settings)
