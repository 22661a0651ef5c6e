"""Encoders by their name in the settings."""

from __future__ import annotations

from typing import Any

from abaw_pipeline.models.encoders.attention_transformer import AttentionTransformerEncoder
from abaw_pipeline.models.encoders.base import Encoder
from abaw_pipeline.models.encoders.gru import GruEncoder
from abaw_pipeline.models.encoders.gru_local_attention import GruLocalAttentionEncoder
from abaw_pipeline.models.encoders.gru_transformer import GruTransformerEncoder
from abaw_pipeline.models.encoders.lstm import LstmEncoder
from abaw_pipeline.models.encoders.settings import EncoderSettings
from abaw_pipeline.models.encoders.tcn import TcnEncoder
from abaw_pipeline.models.encoders.temma import TemmaEncoder
from abaw_pipeline.models.encoders.transformer import TransformerEncoder
from abaw_pipeline.models.encoders.transformer_lstm import TransformerLstmEncoder
from abaw_pipeline.models.encoders.twin_transformer import TwinTransformerEncoder

ENCODERS: dict[str, type[Any]] = {
    "attention_transformer": AttentionTransformerEncoder,
    "gru": GruEncoder,
    "gru_local_attention": GruLocalAttentionEncoder,
    "gru_transformer": GruTransformerEncoder,
    "lstm": LstmEncoder,
    "tcn": TcnEncoder,
    "temma": TemmaEncoder,
    "transformer": TransformerEncoder,
    "transformer_lstm": TransformerLstmEncoder,
    "twin_transformer": TwinTransformerEncoder,
}


def build_encoder(settings: EncoderSettings) -> Encoder:
    """The encoder that ``settings`` describes."""
    encoder: Encoder = ENCODERS[settings.name](settings)
    return encoder
