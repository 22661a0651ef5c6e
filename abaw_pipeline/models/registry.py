"""Encoders, fusions and frameworks by their names in the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from abaw_pipeline.models.frameworks import Basic, Feedback, Framework, ShareBottom
from abaw_pipeline.models.fusion.base import Fusion
from abaw_pipeline.models.fusion.clip_tokens import ClipTokenFuser
from abaw_pipeline.models.fusion.early import EarlyFuser
from abaw_pipeline.models.fusion.interaction import InteractionFuser
from abaw_pipeline.models.fusion.late import LateFuser
from abaw_pipeline.models.parts import Part
from abaw_pipeline.models.settings import FrameworkSettings, FusionSettings
from abaw_pipeline.models.streams import Target

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

FUSIONS: dict[str, type[Any]] = {
    "clip_tokens": ClipTokenFuser,
    "early": EarlyFuser,
    "interaction": InteractionFuser,
    "late": LateFuser,
}

FRAMEWORKS: dict[str, type[Any]] = {
    "basic": Basic,
    "feedback": Feedback,
    "share_bottom": ShareBottom,
}


def build_encoder(settings: EncoderSettings) -> Encoder:
    """The encoder that ``settings`` describes."""
    encoder: Encoder = ENCODERS[settings.name](settings)
    return encoder


def build_fusion(settings: FusionSettings, parts: Sequence[Part], encoder: EncoderSettings) -> Fusion:
    """The fusion that ``settings`` describes, with its encoders."""
    fusion: Fusion = FUSIONS[settings.name](settings, parts, encoder, build_encoder)
    return fusion


def build_framework(settings: FrameworkSettings, bottom: Fusion, targets: Mapping[str, Target]) -> Framework:
    """The framework that ``settings`` describes, over what ``bottom`` makes."""
    framework: Framework = FRAMEWORKS[settings.name](settings, bottom, targets, build_encoder)
    return framework
