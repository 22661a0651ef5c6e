"""A projection and an encoder per modality, their outputs side by side (EVAEF, ABAW5)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from abaw_pipeline.models.encoders.settings import EncoderSettings
from abaw_pipeline.models.fusion.base import BuildEncoder, Fusion
from abaw_pipeline.models.parts import Part
from abaw_pipeline.models.projection import Projection
from abaw_pipeline.models.settings import InteractionFusion, LateFusion
from abaw_pipeline.models.streams import Encoded, State, owned, prefixed


class LateFuser(Fusion):
    """Branches of the encoders are set side by side too, each with its like."""

    def __init__(
        self,
        settings: LateFusion | InteractionFusion,
        parts: Sequence[Part],
        encoder: EncoderSettings,
        build_encoder: BuildEncoder,
    ) -> None:
        super().__init__(settings, parts)
        widths = [modality.input_width(settings.mask_input) for modality in self.modalities]
        self.projections = nn.ModuleList(
            Projection(width, encoder.input_width, settings.projection) for width in widths
        )
        encoders = [build_encoder(encoder) for _ in widths]
        self.encoders = nn.ModuleList(encoders)
        self._reads_as(encoders[0], len(widths))

    def fuse(self, frames: torch.Tensor, known: torch.Tensor, mask: torch.Tensor, state: State | None) -> Encoded:
        return self._encoded(self._projected(frames, known, mask), mask, state)

    def _projected(self, frames: torch.Tensor, known: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
        inputs = self._by_modality(frames, known)
        return [project(one, mask) for project, one in zip(self.projections, inputs, strict=True)]

    def _encoded(self, projected: list[torch.Tensor], mask: torch.Tensor, state: State | None) -> Encoded:
        names = [modality.name for modality in self.modalities]
        each: list[Encoded] = [
            encoder(one, mask, owned(name, state))
            for name, encoder, one in zip(names, self.encoders, projected, strict=True)
        ]
        carried: dict[str, torch.Tensor] = {}
        for name, one in zip(names, each, strict=True):
            carried |= prefixed(name, one.state)
        branches = {name: torch.cat([one.branches[name] for one in each], -1) for name in self.branches}
        return Encoded(torch.cat([one.main for one in each], -1), branches, carried)
