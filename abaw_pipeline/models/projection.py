"""From the features of a frame to the width of an encoder."""

from __future__ import annotations

import torch
from torch import nn

from abaw_pipeline.models.convolution import MaskedConv1d
from abaw_pipeline.models.settings import ProjectionSettings

_ACTIVATIONS: dict[str, type[nn.Module]] = {"none": nn.Identity, "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU}


class Projection(nn.Module):
    """``(B, T, inputs)`` to ``(B, T, outputs)``: an affine layer or a convolution, activation, dropout."""

    def __init__(self, inputs: int, outputs: int, settings: ProjectionSettings) -> None:
        super().__init__()
        self.kind = settings.kind
        self.layer: nn.Module
        if settings.kind == "conv":
            self.layer = MaskedConv1d(inputs, outputs, settings.kernel, bias=settings.bias)
        elif settings.kind == "linear":
            self.layer = nn.Linear(inputs, outputs, settings.bias)
        else:
            assert inputs == outputs, "models/check.py refuses such settings"
            self.layer = nn.Identity()
        self.after = nn.Sequential(_ACTIVATIONS[settings.activation](), nn.Dropout(settings.dropout))

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.after(self.layer(frames, mask) if self.kind == "conv" else self.layer(frames))
