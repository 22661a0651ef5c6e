"""Settings of the temporal models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from abaw_pipeline.strict import Strict

Size = Annotated[int, Field(ge=1)]
Dropout = Annotated[float, Field(ge=0, lt=1)]


class GruSettings(Strict):
    """Gated recurrent units (Cho et al., 2014)."""

    name: Literal["gru"]
    hidden: Size = 128
    """Units per direction."""
    layers: Size = 1
    bidirectional: bool = False
    dropout: Dropout = 0.0
    """Between layers; without effect on a single layer."""

    @property
    def input_width(self) -> int:
        """Width of the projected input."""
        return self.hidden


class TransformerSettings(Strict):
    """Transformer encoder (Vaswani et al., 2017) with sinusoidal positions, every frame attending to its window."""

    name: Literal["transformer"]
    width: Size = 256
    layers: Size = 2
    heads: Size = 4
    feedforward: Size = 512
    dropout: Dropout = 0.1

    @property
    def input_width(self) -> int:
        """Width of the projected input."""
        return self.width

    @model_validator(mode="after")
    def _heads_divide_width(self) -> TransformerSettings:
        if self.width % self.heads:
            raise ValueError(f"heads ({self.heads}) must divide width ({self.width})")
        return self


EncoderSettings = Annotated[GruSettings | TransformerSettings, Field(discriminator="name")]


class HeadSettings(Strict):
    """Fully connected layers after the encoder, ReLU and dropout between them."""

    hidden: list[Size] = Field(default_factory=list)
    """Widths of the hidden layers; empty: one layer straight to the outputs."""
    dropout: Dropout = 0.0
