"""A network's predictions for every frame of clips in memory."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from abaw_pipeline.training.resident import Resident, Standard, cut


@torch.no_grad()
def predict_frames(
    network: nn.Module, clips: Resident, standard: Standard, segment: int, stride: int, batch: int
) -> np.ndarray:
    """Predictions ``(N, C)`` float32, the mean over the windows that hold a frame.

    Raises:
        ValueError: the network gave a value that is not finite.
    """
    network.eval()
    windows = cut(clips.lengths, segment, stride)
    total: torch.Tensor | None = None
    count = torch.zeros(sum(clips.lengths), 1, device=standard.mean.device)
    for part in torch.arange(len(windows)).split(batch):
        some = windows.take(part)
        frames, mask = clips.batch(some, standard)
        rows = some.to(mask.device).rows()[0][mask]
        output = network(frames, mask)[mask].float()
        if total is None:
            total = torch.zeros(len(count), output.shape[1], device=output.device)
        total.index_add_(0, rows, output)
        count.index_add_(0, rows, torch.ones_like(output[:, :1]))
    assert total is not None, "clips have at least one frame"
    values = (total / count).cpu().numpy()
    if not np.isfinite(values).all():
        raise ValueError("the model predicts values that are not finite; lower optimiser.lr and train again")
    return values
