"""All features of a frame side by side, one projection, one encoder (EVAEF, ABAW5, Eq. 5)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from abaw_pipeline.models.encoders.settings import EncoderSettings
from abaw_pipeline.models.fusion.base import BuildEncoder, Fusion
from abaw_pipeline.models.parts import Part
from abaw_pipeline.models.projection import Projection
from abaw_pipeline.models.settings import EarlyFusion
from abaw_pipeline.models.streams import Encoded, State


class EarlyFuser(Fusion):
    """``f = W [f_v; f_a] + b``, then the encoder."""

    def __init__(
        self, settings: EarlyFusion, parts: Sequence[Part], encoder: EncoderSettings, build_encoder: BuildEncoder
    ) -> None:
        super().__init__(settings, parts)
        inputs = sum(modality.input_width(settings.mask_input) for modality in self.modalities)
        self.projection = Projection(inputs, encoder.input_width, settings.projection)
        self.encoder = build_encoder(encoder)
        self._reads_as(self.encoder)

    def fuse(self, frames: torch.Tensor, known: torch.Tensor, mask: torch.Tensor, state: State | None) -> Encoded:
        if self.mask_input:
            frames = torch.cat([frames, known.to(frames.dtype)], -1)
        return self.encoder(self.projection(frames, mask), mask, state)
