"""The whole temporal model.

Shape letters: B windows, T frames, D numbers a frame (all features side by side), F features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import nn

from abaw_pipeline.models.encoders.settings import EncoderSettings
from abaw_pipeline.models.parts import Part
from abaw_pipeline.models.registry import build_framework, build_fusion
from abaw_pipeline.models.settings import FrameworkSettings, FusionSettings
from abaw_pipeline.models.streams import Predicted, State, Target, owned, prefixed


class TemporalModel(nn.Module):
    """Fusion of the features with its encoders, then the framework of the tasks with their heads.

    Args:
        parts: the features in the order in which they stand side by side.
        targets: the tasks by name.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        targets: Mapping[str, Target],
        encoder: EncoderSettings,
        fusion: FusionSettings,
        framework: FrameworkSettings,
    ) -> None:
        super().__init__()
        self.fusion = build_fusion(fusion, parts, encoder)
        self.framework = build_framework(framework, self.fusion, targets)

    @property
    def carries_state(self) -> bool:
        """Whether the next segment of a clip takes the state that this one returns."""
        return self.fusion.carries_state or self.framework.carries_state

    def forward(
        self, frames: torch.Tensor, known: torch.Tensor, mask: torch.Tensor, state: State | None = None
    ) -> Predicted:
        """Standardised frames ``(B, T, D)`` to predictions.

        Args:
            known: bool ``(B, T, F)``: whether the feature has a value; where not, its numbers are zero.
            mask: bool ``(B, T)``, true for frames, false for padding, which stands at the end of a window and
                never influences a frame. What is predicted for padding means nothing.
            state: what the model returned for the segment before; ``None`` at the start of clips.
        """
        bottom = self.fusion(frames, known, mask, owned("fusion", state))
        predicted = self.framework(bottom, mask, owned("tasks", state))
        return replace(predicted, state=prefixed("fusion", bottom.state) | prefixed("tasks", predicted.state))
