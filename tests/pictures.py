"""What a network of pictures gets to see."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from abaw_pipeline.features.visual.pictures import standardised


def seen(extractor: Any, *pictures: np.ndarray) -> torch.Tensor:
    """RGB pictures ``(H, W, 3)`` uint8 to the network's inputs ``(B, C, h, w)`` float32, as extraction makes them."""
    prepared = torch.from_numpy(np.stack([extractor.prepare(picture) for picture in pictures]))
    return standardised(prepared, extractor.statistics) if prepared.dtype == torch.uint8 else prepared
