"""Windows of sound around times on an even grid, for networks that describe a piece of sound with one vector."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from abaw_pipeline.features.base import SAMPLE_RATE, Samples


def centred_windows(samples: Samples, window: int, hop_s: float, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Read windows of ``samples`` batch by batch.

    One window begins with the sound, the others whole hops before or after it, wherever their centre lies in the
    sound: those that lie inside are the ones that a plain walk from the first sample gives. Past the ends of the sound
    a window holds zeros. Sound shorter than half a window gives none, so every window is at least half sound.

    Args:
        window: samples of one window.
        hop_s: seconds between windows; each begins at the sample nearest to its place.
        batch: windows in one batch; the last has fewer.

    Yields:
        Windows ``(B, window)`` float32, and their centres ``(B,)`` float64 in seconds from the first sample.
    """
    starts = _starts(len(samples), window, hop_s * SAMPLE_RATE)
    for row in range(0, len(starts), batch):
        first = starts[row : row + batch]
        piece = _padded(samples, first[0], first[-1] + window)
        views = np.lib.stride_tricks.sliding_window_view(piece, window)
        yield views[first - first[0]], (first + window / 2) / SAMPLE_RATE


def _starts(length: int, window: int, hop: float) -> np.ndarray:
    """First sample of every window, ascending; negative where it begins before the sound. ``hop`` is in samples."""
    if 2 * length < window:
        return np.empty(0, np.int64)
    starts = np.rint(np.arange(-int(window / 2 / hop), int(length / hop) + 1) * hop).astype(np.int64)
    centres = starts + window / 2
    return starts[(centres >= 0) & (centres < length)]


def _padded(samples: Samples, first: int, last: int) -> np.ndarray:
    """``samples[first:last]``, with zeros where that reaches beyond the sound."""
    inside = samples[max(first, 0) : min(last, len(samples))]
    return np.pad(inside, (max(-first, 0), max(last - len(samples), 0)))
