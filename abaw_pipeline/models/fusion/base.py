"""What every fusion has in common.

Shape letters: B windows, T frames, D numbers a frame (all features side by side), F features, W width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import nn

from abaw_pipeline.models.encoders.base import Encoder, Readout
from abaw_pipeline.models.encoders.settings import EncoderSettings
from abaw_pipeline.models.fusion.modality_dropout import ModalityDropout
from abaw_pipeline.models.parts import Part, modalities
from abaw_pipeline.models.settings import FusionSettings
from abaw_pipeline.models.streams import Encoded, State

BuildEncoder = Callable[[EncoderSettings], Encoder]


class Fusion(nn.Module, ABC):
    """All features of windows to one encoded stream; holds the encoders.

    Attributes:
        width, readout, branches, branch_weights, carries_state: as of ``encoders.base.Encoder``.
    """

    width: int
    readout: Readout
    branches: dict[str, int]
    branch_weights: dict[str, float]
    carries_state: bool

    def __init__(self, settings: FusionSettings, parts: Sequence[Part]) -> None:
        super().__init__()
        self.mask_input = settings.mask_input
        self.modalities = modalities(parts)
        self.dimensions = [part.dimension for part in parts]
        self.dropout = ModalityDropout(parts, settings.modality_dropout)

    def forward(
        self, frames: torch.Tensor, known: torch.Tensor, mask: torch.Tensor, state: State | None = None
    ) -> Encoded:
        """Frames ``(B, T, D)`` to ``(B, T, W)``.

        Args:
            known: bool ``(B, T, F)``: whether the feature has a value; where not, its numbers are zero.
            mask: bool ``(B, T)``, true for frames, false for padding, which stands at a window's end.
        """
        frames, known = self.dropout(frames, known, mask)
        return self.fuse(frames, known, mask, state)

    @abstractmethod
    def fuse(self, frames: torch.Tensor, known: torch.Tensor, mask: torch.Tensor, state: State | None) -> Encoded:
        """As ``forward``, after modality dropout."""

    def _reads_as(self, encoder: Encoder, times: int = 1) -> None:
        """What comes out is read like the output of ``encoder``, ``times`` as wide."""
        self.width, self.readout = times * encoder.width, encoder.readout
        self.branches = {name: times * width for name, width in encoder.branches.items()}
        self.branch_weights = encoder.branch_weights
        self.carries_state = encoder.carries_state

    def _by_modality(self, frames: torch.Tensor, known: torch.Tensor) -> list[torch.Tensor]:
        """Input of each modality, ``(B, T, Modality.input_width)``."""
        features: Sequence[torch.Tensor] = frames.split(self.dimensions, -1)
        flags: Sequence[torch.Tensor] = known.to(frames.dtype).split(1, -1)
        kinds = (features, flags) if self.mask_input else (features,)
        return [torch.cat([kind[p] for kind in kinds for p in m.places], -1) for m in self.modalities]
