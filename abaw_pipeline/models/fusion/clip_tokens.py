"""Rows for the frames of one modality and one row per window of each other (Zhang et al., ABAW6).

Shape letters: B windows, T frames, E further modalities, W width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from abaw_pipeline.models.encoders.settings import EncoderSettings
from abaw_pipeline.models.fusion.base import BuildEncoder, Fusion
from abaw_pipeline.models.parts import Part
from abaw_pipeline.models.projection import Projection
from abaw_pipeline.models.settings import ClipTokens
from abaw_pipeline.models.streams import Encoded, State


class ClipTokenFuser(Fusion):
    """A sequence of E rows and then T frames goes through the encoder; what it makes of the frames comes out.

    The rows stand first: padding then remains at the sequence's end, and a row has the same position, so the same
    mark from an encoder that adds positions, in windows of every length. A modality without any value in a window
    has a row of zeros, the mean of standardised features, like any gap that is filled with zeros.
    """

    def __init__(
        self, settings: ClipTokens, parts: Sequence[Part], encoder: EncoderSettings, build_encoder: BuildEncoder
    ) -> None:
        super().__init__(settings, parts)
        width, (first, *others) = encoder.input_width, self.modalities
        self.projection = Projection(first.input_width(settings.mask_input), width, settings.projection)
        single = settings.projection
        if single.kind == "conv":  # a single row has no neighbours
            single = single.model_copy(update={"kind": "linear"})
        self.of_rows = nn.ModuleList(Projection(one.input_width(settings.mask_input), width, single) for one in others)
        self.encoder = build_encoder(encoder)
        self._reads_as(self.encoder)

    def fuse(self, frames: torch.Tensor, known: torch.Tensor, mask: torch.Tensor, state: State | None) -> Encoded:
        first = self._by_modality(frames, known)[0]
        inputs = self._rows(frames, known, mask)
        rows = [project(row, mask[:, :1]) for project, row in zip(self.of_rows, inputs, strict=True)]
        sequence = torch.cat([*rows, self.projection(first, mask)], 1)
        encoded = self.encoder(sequence, torch.cat([mask.new_ones(len(mask), len(rows)), mask], 1))
        branches = {name: stream[:, len(rows) :] for name, stream in encoded.branches.items()}
        return Encoded(encoded.main[:, len(rows) :], branches)

    def _rows(self, frames: torch.Tensor, known: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
        """Input of each further modality's row, ``(B, 1, Modality.input_width)``: means over frames with a value."""
        counted = known & mask[..., None]
        means = [
            (part * counts[..., None]).sum(1, keepdim=True) / counts.sum(1).clamp(min=1)[:, None, None]
            for part, counts in zip(frames.split(self.dimensions, -1), counted.unbind(-1), strict=True)
        ]
        return self._by_modality(torch.cat(means, -1), counted.any(1, keepdim=True))[1:]
