"""Modalities that are taken for absent in training.

Shape letters: B windows, T frames, D numbers a frame, F features, M modalities.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from abaw_pipeline.models.parts import Part, modalities


class ModalityDropout(nn.Module):
    """Takes each modality out of a training window with probability ``rate``; one always remains.

    Where all would go, the one whose draw came closest to staying stays, so that each of M modalities goes with
    probability ``rate - rate^M / M``. One without any value in the window is absent already and never that which stays.
    """

    of_feature: torch.Tensor
    of_number: torch.Tensor

    def __init__(self, parts: Sequence[Part], rate: float) -> None:
        super().__init__()
        self.modalities, self.rate = modalities(parts), rate
        names = [modality.name for modality in self.modalities]
        of_feature = [names.index(part.modality) for part in parts]
        of_number = [names.index(part.modality) for part in parts for _ in range(part.dimension)]
        self.register_buffer("of_feature", torch.tensor(of_feature), persistent=False)
        self.register_buffer("of_number", torch.tensor(of_number), persistent=False)

    def forward(
        self, frames: torch.Tensor, known: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Frames ``(B, T, D)``, zero for what is taken out, and ``known`` ``(B, T, F)``, false for it."""
        if not self.training or self.rate == 0 or len(self.modalities) == 1:
            return frames, known
        stays = self._stays(known & mask[..., None])
        return frames * stays[:, None, self.of_number], known & stays[:, None, self.of_feature]

    def _stays(self, known: torch.Tensor) -> torch.Tensor:
        """Bool ``(B, M)``."""
        features = known.any(1).unbind(1)
        own = [torch.stack([features[place] for place in modality.places]) for modality in self.modalities]
        present = torch.stack([one.any(0) for one in own], 1)
        chance = torch.rand(present.shape, device=known.device).masked_fill(~present, -1.0)
        return (chance >= self.rate) | (chance == chance.amax(1, keepdim=True))
