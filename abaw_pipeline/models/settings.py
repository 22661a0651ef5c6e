"""Settings of the temporal models: encoders, fusion, heads, multi-task frameworks. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from abaw_pipeline.models.encoders.settings import EncoderSettings, Size
from abaw_pipeline.strict import Strict

Dropout = Annotated[float, Field(ge=0, lt=1)]


def named(raw: Any) -> Any:
    """``early`` stands for ``{name: early}``."""
    return {"name": raw} if isinstance(raw, str) else raw


class ProjectionSettings(Strict):
    """From the features of a frame to the width of the encoder."""

    kind: Literal["linear", "conv", "none"] = "linear"
    """``linear``: one affine layer. ``conv``: a 1-D convolution over time. ``none``: features go in as they are, and
    must be as wide as the encoder."""
    kernel: int = Field(default=3, ge=1)
    """Frames that a ``conv`` sees; odd."""
    bias: bool = True
    activation: Literal["none", "relu", "leaky_relu"] = "none"
    dropout: Dropout = 0.0

    @model_validator(mode="after")
    def _kernel_has_a_middle(self) -> ProjectionSettings:
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel ({self.kernel}) must be odd: as many frames before a frame as after it")
        return self

    @model_validator(mode="after")
    def _none_is_none(self) -> ProjectionSettings:
        if self.kind == "none" and (self.activation != "none" or self.dropout):
            raise ValueError("kind 'none' lets features in as they are: no activation, no dropout")
        return self


class _Fusion(Strict):
    projection: ProjectionSettings = ProjectionSettings()
    modality_dropout: Dropout = 0.0
    """Probability that a modality of a training window is taken for absent; one always remains."""
    mask_input: bool = False
    """Whether a feature has a value is part of the input: one more number, 0 or 1, per feature."""


class EarlyFusion(_Fusion):
    """All features of a frame side by side, one projection, one encoder (EVAEF, Eq. 5: ``f = W[fv; fa] + b``)."""

    name: Literal["early"]


class LateFusion(_Fusion):
    """A projection and an encoder per modality, their outputs side by side."""

    name: Literal["late"]


class ClipTokens(_Fusion):
    """A row per frame of the first modality, and one row per window and further modality, in one sequence.

    Zhang et al. (ABAW6): K visual rows, one audio row, one text row. A modality's row is its mean over frames that
    have a value. The encoder must be a Transformer of one kind or another.
    """

    name: Literal["clip_tokens"]


class InteractionFusion(_Fusion):
    """An encoder per modality, and one more over their projected inputs side by side (HFUT, ABAW5 ERI).

    Two modalities of width d give h = 2d for the interaction encoder; its output and the concatenation of both
    encoders' outputs are each projected to ``width`` and set side by side.
    """

    name: Literal["interaction"]
    interaction: EncoderSettings | None = None
    """Encoder of the interaction branch; its ``width`` must be the number of modalities times that of ``encoder``.
    ``null``: as ``encoder``, that much wider."""
    width: Size = 256
    """Of each of the two projections that are set side by side."""


FusionSettings = Annotated[
    EarlyFusion | LateFusion | ClipTokens | InteractionFusion, Field(discriminator="name"), BeforeValidator(named)
]


class HeadSettings(Strict):
    """Fully connected layers after the encoder, ReLU and dropout between them."""

    hidden: list[Size] = Field(default_factory=list)
    """Widths of the hidden layers; empty: one layer straight to the outputs."""
    dropout: Dropout = 0.0
    separate: bool = False
    """A head of its own for every output column (one for V and one for A); not for classes."""
    pooling: Literal["attention", "mean"] = "attention"
    """How tasks with one label per clip sum up the frames of a window; no others pool."""


class BasicFramework(Strict):
    """One encoder for all tasks, a head per task."""

    name: Literal["basic"]


class ShareBottomFramework(Strict):
    """A shared bottom, then an encoder per task (Caruana, 1997; Situ Tech, ABAW4)."""

    name: Literal["share_bottom"]
    encoder: EncoderSettings
    """The encoder of each task; the experiment's own encoder is the bottom."""


class FeedbackFramework(Strict):
    """Share-bottom, where the target task also sees what the source task's encoder made, gradients cut."""

    name: Literal["feedback"]
    encoder: EncoderSettings
    source: str
    target: str
    fed: Literal["encoder", "head"] = "encoder"
    """What is fed: the source encoder's output, or its head's last hidden layer (needs ``head.hidden``)."""

    @model_validator(mode="after")
    def _two_tasks(self) -> FeedbackFramework:
        if self.source == self.target:
            raise ValueError(f"source and target are both '{self.source}'; a task cannot feed itself")
        return self


FrameworkSettings = Annotated[
    BasicFramework | ShareBottomFramework | FeedbackFramework, Field(discriminator="name"), BeforeValidator(named)
]
