"""Sound as pictures of its spectrogram, the way a plotting library paints one, for networks trained on photographs.

Source: Amiriparian et al., Snore Sound Classification Using Image-Based Deep Spectrum Features, Interspeech 2017:
spectrogram with a Hann window, in decibels, in the colours of viridis.
"""

from __future__ import annotations

import torch
from torch.nn import functional

FFT, HOP = 512, 256
"""Next power of two of 25 ms at 16 kHz, and half of it; frames lie inside the sound (no centring)."""
PLOT = 227
"""Side of the plot in pixels; a pixel shows the time and frequency under its centre."""
SIDE = 224
"""Side of the network's input; the plot is scaled to it bilinearly."""
QUIETEST = 1e-5
"""Least magnitude that is told from silence."""


class SpectrogramPictures:
    """Windows of sound to pictures: time from left to right, frequency (linear, 0 to 8 kHz) from bottom to top.

    Colours cover each window's own range, from its quietest to its loudest point, as a plot's do; a window without
    any difference, such as silence, is all in the darkest colour.
    """

    def __init__(self, range_db: float, device: torch.device) -> None:
        """``range_db``: what is further than this below the loudest point is shown as if it were there."""
        from matplotlib import colormaps

        self.range_db = range_db
        self.hann = torch.hann_window(FFT, periodic=True, dtype=torch.float64, device=device)
        colours = colormaps["viridis"](range(256), bytes=True)[:, :3]
        self.colours = torch.from_numpy(colours).to(device, torch.float32)

    def __call__(self, sound: torch.Tensor) -> torch.Tensor:
        """Windows ``(B, N)``, N at least ``FFT``, to RGB pictures ``(B, 3, SIDE, SIDE)`` float32 in [0, 255]."""
        plot = self.colours[_plotted(self._shades(sound))].permute(0, 3, 1, 2)
        return functional.interpolate(plot, size=(SIDE, SIDE), mode="bilinear", align_corners=False)

    def _shades(self, sound: torch.Tensor) -> torch.Tensor:
        """Index of each point's colour ``(B, frequency, time)``, 0 to 255, lowest frequency first."""
        frames = sound.double().unfold(-1, FFT, HOP) * self.hann
        level = 20 * torch.log10(torch.fft.rfft(frames).abs().clamp(min=QUIETEST)).transpose(1, 2)
        loudest = level.amax((1, 2), keepdim=True)
        level = (level - loudest).clamp(min=-self.range_db)
        quietest = level.amin((1, 2), keepdim=True)
        height = torch.where(quietest < 0, 1 - level / quietest.clamp(max=-1e-9), 0)
        return (height * 256).long().clamp(max=255)


def _plotted(points: torch.Tensor) -> torch.Tensor:
    """Points ``(B, frequency, time)`` painted on ``(B, PLOT, PLOT)`` pixels, the first row of which is the top."""
    centre = (torch.arange(PLOT, device=points.device) + 0.5) / PLOT
    row, column = ((centre * size).long() for size in points.shape[1:])
    return points[:, row.flip(0)][:, :, column]
