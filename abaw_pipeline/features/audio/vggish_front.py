"""VGGish's front end: log-mel patches of 96 frames, as AudioSet's embeddings were made from them.

Source: Hershey et al., CNN Architectures for Large-Scale Audio Classification, ICASSP 2017, section 3.1, with the
constants of the published model: frames of 25 ms every 10 ms, magnitude (not power) spectrum, HTK's mel scale
(Young et al., The HTK Book, section 5.4) with triangles that are straight over mel, not over hertz.
"""

from __future__ import annotations

import numpy as np
import torch

from abaw_pipeline.features.base import SAMPLE_RATE

FRAME, HOP = 400, 160
"""Samples of a frame and between frames."""
FFT = 512
FRAMES = 96
"""Frames of a patch."""
PATCH = (FRAMES - 1) * HOP + FRAME
"""Samples that a patch describes (0.975 s)."""
MELS = 64
LOWEST_HZ, HIGHEST_HZ = 125.0, 7500.0
OFFSET = 0.01
"""Added before the logarithm; digital silence gives its logarithm."""


class LogMelPatches:
    """Sound to the network's input. Computed in float64 like the published embeddings, then rounded to float32."""

    def __init__(self, device: torch.device) -> None:
        self.hann = torch.hann_window(FRAME, periodic=True, dtype=torch.float64, device=device)
        self.mel = torch.from_numpy(mel_weights()).to(device)

    def __call__(self, sound: torch.Tensor) -> torch.Tensor:
        """Samples ``(B, PATCH)`` in [-1, 1] to patches ``(B, 1, FRAMES, MELS)``; other lengths give other numbers of
        frames."""
        frames = sound.double().unfold(-1, FRAME, HOP) * self.hann
        magnitudes = torch.fft.rfft(frames, FFT).abs()
        return torch.log(magnitudes @ self.mel + OFFSET).float().unsqueeze(1)


def mel_weights() -> np.ndarray:
    """Weight of each FFT bin in each mel band ``(FFT // 2 + 1, MELS)`` float64: triangles of height 1."""
    bins = _mel(np.linspace(0, SAMPLE_RATE / 2, FFT // 2 + 1))[:, None]
    edges = np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), MELS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    return np.maximum(0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    """HTK's mel scale."""
    return 1127 * np.log1p(np.asarray(hertz) / 700)
