"""An encoder per modality, and one over what they have in common (HFUT, ABAW5, ERI).

Shape letters: B windows, T frames, M modalities, d width of a projected modality.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from abaw_pipeline.models.encoders.settings import EncoderSettings
from abaw_pipeline.models.fusion.base import BuildEncoder
from abaw_pipeline.models.fusion.late import LateFuser
from abaw_pipeline.models.parts import Part
from abaw_pipeline.models.settings import InteractionFusion
from abaw_pipeline.models.streams import Encoded, State, owned, prefixed


class InteractionFuser(LateFuser):
    """Late fusion gives ``g_cat``; the interaction encoder makes ``g`` of all projected inputs, ``h`` ``(B, T, M d)``.

    Both are projected to ``width`` and set side by side, ``(B, T, 2 width)``. Branches of encoders are not read.
    """

    def __init__(
        self, settings: InteractionFusion, parts: Sequence[Part], encoder: EncoderSettings, build_encoder: BuildEncoder
    ) -> None:
        super().__init__(settings, parts, encoder, build_encoder)
        self.interaction = build_encoder(settings.interaction or widened(encoder, len(self.modalities)))
        self.from_each = _to_width(self.width, settings.width)
        self.from_all = _to_width(self.interaction.width, settings.width)
        self.width, self.readout, self.branches, self.branch_weights = 2 * settings.width, "single", {}, {}
        self.carries_state |= self.interaction.carries_state

    def fuse(self, frames: torch.Tensor, known: torch.Tensor, mask: torch.Tensor, state: State | None) -> Encoded:
        projected = self._projected(frames, known, mask)
        each = self._encoded(projected, mask, state)
        every = self.interaction(torch.cat(projected, -1), mask, owned("interaction", state))
        main = torch.cat([self.from_each(each.main), self.from_all(every.main)], -1)
        return Encoded(main, state={**each.state, **prefixed("interaction", every.state)})


def widened(encoder: EncoderSettings, times: int) -> EncoderSettings:
    """The same encoder for an input ``times`` as wide."""
    field = "width" if "width" in type(encoder).model_fields else "hidden"
    return encoder.model_copy(update={field: times * encoder.input_width})


def _to_width(inputs: int, width: int) -> nn.Sequential:
    # The paper names no activation; without one, projection and head would be a single affine layer.
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU())
