"""Settings of a model that do not fit each other. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from abaw_pipeline.models.encoders.settings import EncoderSettings
from abaw_pipeline.models.parts import Part, modalities
from abaw_pipeline.models.settings import FeedbackFramework, FrameworkSettings, FusionSettings, HeadSettings
from abaw_pipeline.tasks import Task

# Transformers whose rows are not taken for neighbours in time: in TEMMA and the TCN a convolution would mix rows of
# other modalities into the first frames, in a recurrent encoder distant frames would have forgotten them.
_TAKE_TOKENS = ("attention_transformer", "gru_transformer", "transformer", "transformer_lstm", "twin_transformer")


def check_fusion(fusion: FusionSettings, encoder: EncoderSettings, parts: Sequence[Part]) -> None:
    """Fusion, encoder and features.

    Raises:
        ValueError: one line.
    """
    kinds = modalities(parts)
    if fusion.name != "early" and len(kinds) == 1:
        raise ValueError(f"fusion: '{fusion.name}' needs several modalities, there is only {kinds[0].name}; use early")
    if fusion.name == "clip_tokens" and encoder.name not in _TAKE_TOKENS:
        raise ValueError(f"fusion: clip_tokens cannot go with encoder '{encoder.name}'; use {', '.join(_TAKE_TOKENS)}")
    if fusion.name == "clip_tokens" and getattr(encoder, "carry_state", False):
        raise ValueError("fusion: clip_tokens has rows of every window before its frames; set carry_state: false")
    if fusion.projection.kind == "none":
        widths = [kind.input_width(fusion.mask_input) for kind in kinds]
        for width in [sum(widths)] if fusion.name == "early" else widths:
            if width != encoder.input_width:
                raise ValueError(
                    f"fusion.projection: 'none' needs an encoder as wide as its input, {width} numbers are not "
                    f"{encoder.input_width}; use linear"
                )
    if fusion.name == "interaction":
        _unread_branches("fusion: interaction", encoder)
        if fusion.interaction:
            _interaction_fits(fusion.interaction, encoder, len(kinds))


def _interaction_fits(interaction: EncoderSettings, encoder: EncoderSettings, modalities: int) -> None:
    _unread_branches("fusion: interaction", interaction)
    width = modalities * encoder.input_width
    if interaction.input_width != width:
        raise ValueError(
            f"fusion.interaction: its encoder is {interaction.input_width} wide; {modalities} modalities of "
            f"{encoder.input_width} need {width}"
        )


def check_framework(framework: FrameworkSettings, encoder: EncoderSettings, heads: Mapping[str, HeadSettings]) -> None:
    """Framework, the experiment's encoder, and the heads of all tasks.

    Raises:
        ValueError: one line.
    """
    if framework.name == "basic":
        return
    _unread_branches(f"framework: {framework.name}", encoder)
    if isinstance(framework, FeedbackFramework) and framework.fed == "head" and not heads[framework.source].hidden:
        raise ValueError(f"framework.fed: the head of '{framework.source}' has no hidden layer; set head.hidden")


def check_head(task: Task, head: HeadSettings) -> None:
    """A task and its head.

    Raises:
        ValueError: one line.
    """
    if head.separate and task.kind == "class":
        raise ValueError(f"head.separate: task '{task.name}' is one of classes, whose scores come from one head")


def _unread_branches(where: str, encoder: EncoderSettings) -> None:
    """Refuse a loss per branch where no head is on the encoder."""
    if encoder.name == "gru_transformer" and encoder.branch_loss == "branches":
        raise ValueError(f"{where} puts no head on the branches of gru_transformer; set branch_loss: concat")
