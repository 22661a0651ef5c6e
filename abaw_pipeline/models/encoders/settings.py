"""Settings of the encoders, one class each. Imports no torch.

``input_width`` is the width of the projected frames that an encoder takes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from abaw_pipeline.strict import Strict

Size = Annotated[int, Field(ge=1)]
Dropout = Annotated[float, Field(ge=0, lt=1)]


class Recurrent(Strict):
    """What GRU and LSTM share."""

    hidden: Size = 128
    """Units per direction."""
    layers: Size = 1
    bidirectional: bool = False
    dropout: Dropout = 0.0
    """Between layers; without effect on a single layer."""
    carry_state: bool = False
    """The state goes on from segment to segment of a clip, zeros at its start; gradients end at a segment."""

    @property
    def input_width(self) -> int:
        """Width of the projected input."""
        return self.hidden

    @model_validator(mode="after")
    def _one_direction(self) -> Recurrent:
        if self.carry_state and self.bidirectional:
            raise ValueError("carry_state needs bidirectional: false; no state can come from a segment's future")
        return self


class GruSettings(Recurrent):
    """Gated recurrent units (Cho et al., 2014)."""

    name: Literal["gru"]


class LstmSettings(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997)."""

    name: Literal["lstm"]


class Attending(Strict):
    """What encoders of Transformer blocks share."""

    width: Size = 256
    layers: Size = 2
    heads: Size = 4
    feedforward: Size = 512
    dropout: Dropout = 0.1
    norm: Literal["post", "pre"] = "post"
    """Layer normalisation after each sublayer's residual sum, as published, or before each sublayer."""
    positions: Literal["sinusoidal", "none"] = "sinusoidal"

    @property
    def input_width(self) -> int:
        """Width of the projected input."""
        return self.width

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Attending:
        if self.width % self.heads:
            raise ValueError(f"heads ({self.heads}) must divide width ({self.width})")
        return self


class TransformerSettings(Attending):
    """Transformer encoder (Vaswani et al., 2017), every frame attending to its window."""

    name: Literal["transformer"]


class TransformerLstmSettings(Attending):
    """A Transformer encoder, then an LSTM over its output (EVAEF, ABAW5)."""

    name: Literal["transformer_lstm"]
    hidden: Size = 256
    """Units of the LSTM."""
    lstm_layers: Size = 1
    """``dropout`` is between them, too."""
    carry_state: bool = False
    """The LSTM's state goes on from segment to segment of a clip, as of ``lstm``."""


class GruTransformerSettings(Attending):
    """GRU beside a full encoder-decoder Transformer, source = target = the input (JNU, ABAW3, VA stage 1)."""

    name: Literal["gru_transformer"]
    layers: Size = 3
    """Of the Transformer's encoder, and of its decoder."""
    hidden: Size = 256
    """Units of the GRU."""
    gru_layers: Size = 2
    """``dropout`` is between them, too."""
    branch_loss: Literal["concat", "branches"] = "concat"
    """``concat``: one head on both outputs side by side. ``branches``: a head per branch, the prediction their mean,
    the loss 0.5 L(Transformer) + 0.5 L(mean)."""


class GruLocalAttentionSettings(Strict):
    """GRU, then two local-attention layers without parameters (JNU, ABAW3, VA stage 2).

    ``a = LA(h)``, ``h' = LA((h + a) / 2)``; LA is scaled dot-product attention of every frame to its window.
    """

    name: Literal["gru_local_attention"]
    hidden: Size = 256
    layers: Size = 4
    dropout: Dropout = 0.0
    window: Size = 256
    """Frames that a frame attends to, itself among them: the last ones where causal, else half on either side."""
    causal: bool = True
    tanh: bool = False
    """tanh on the output."""

    @property
    def input_width(self) -> int:
        """Width of the projected input."""
        return self.hidden


class TwinTransformerSettings(Attending):
    """T1 and T2 with the expansion-compression block (JNU, ABAW3, AU).

    T1: encoder-decoder Transformer, source = target = the feature. T2: the same size, source
    ``F_ec = ReLU(W2 ReLU(W1 X))``, hidden ``expansion`` times as wide, He initialisation. A head each on T1, T2 and
    F_ec; their outputs side by side through two further layers give the prediction.
    """

    name: Literal["twin_transformer"]
    expansion: Annotated[float, Field(gt=0)] = 1.5
    target: Literal["feature", "t1"] = "feature"
    """What T2 decodes: the feature, or T1's output."""
    only_t1: bool = False
    """The paper's ablation: T1 and its head alone."""


class AttentionTransformerSettings(Attending):
    """``concat(x, MHA(x), Transformer(x))``, three times as wide as its input (HFUT, ABAW5)."""

    name: Literal["attention_transformer"]
    layers: Size = 1
    heads: Size = 2
    dropout: Dropout = 0.5
    head_width: Size | None = None
    """Width of each attention head; ``null``: width / heads."""


class TemmaSettings(Attending):
    """TEMMA (Chen et al., 2020): a temporal convolution embedding, then multi-head attention encoder blocks."""

    name: Literal["temma"]
    layers: Size = 4
    norm: Literal["post", "pre"] = "pre"
    streams: Size = 1
    """Equal shares of the width, a stream each with weights of its own, that attend to one another within a frame
    (multi-modal attention): in the fusion ``interaction``, the number of modalities. 1: no such attention, the
    authors' CNN-TE."""
    kernel: int = Field(default=3, ge=1)
    """Frames that a convolution of the embedding sees."""
    levels: Size = 2
    """Residual blocks of the embedding, two convolutions each, dilated 1, 2, 4, ..."""

    @model_validator(mode="after")
    def _streams_divide_width(self) -> TemmaSettings:
        if self.width % (self.streams * self.heads):
            raise ValueError(f"streams ({self.streams}) times heads ({self.heads}) must divide width ({self.width})")
        return self


class TcnSettings(Strict):
    """Temporal convolution network (Bai et al., 2018): residual blocks of dilated convolutions."""

    name: Literal["tcn"]
    width: Size = 128
    levels: Size = 4
    """Blocks, dilated 1, 2, 4, ..."""
    kernel: int = Field(default=3, ge=2)
    dropout: Dropout = 0.1
    causal: bool = False
    """A frame sees the past alone."""

    @property
    def input_width(self) -> int:
        """Width of the projected input."""
        return self.width


EncoderSettings = Annotated[
    GruSettings
    | LstmSettings
    | TransformerSettings
    | TransformerLstmSettings
    | GruTransformerSettings
    | GruLocalAttentionSettings
    | TwinTransformerSettings
    | AttentionTransformerSettings
    | TemmaSettings
    | TcnSettings,
    Field(discriminator="name"),
]
