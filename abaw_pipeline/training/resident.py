"""Clips held in memory as one long table, and windows of it by index arithmetic.

Shape letters: N frames of all clips, D input dimension, F features, B windows, T frames of the longest window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

_SHARE = 0.6  # of the free device memory: the rest is for activations


@dataclass(frozen=True)
class Standard:
    """Statistics of the training clips, ``(D,)`` float32 each; part of a model."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def to(self, device: torch.device) -> Standard:
        return Standard(self.mean.to(device), self.deviation.to(device))


@dataclass(frozen=True)
class Windows:
    """``starts`` and ``lengths`` int64 ``(W,)`` in rows of the long table; no window crosses clips."""

    starts: torch.Tensor
    lengths: torch.Tensor

    def __len__(self) -> int:
        return len(self.starts)

    def take(self, index: torch.Tensor) -> Windows:
        return Windows(self.starts[index], self.lengths[index])

    def to(self, device: torch.device) -> Windows:
        return Windows(self.starts.to(device), self.lengths.to(device))

    def rows(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Row indices and mask, ``(B, T)`` each; padding repeats a window's last row and is masked out."""
        steps = torch.arange(int(self.lengths.max()), device=self.starts.device)
        mask = steps < self.lengths[:, None]
        return self.starts[:, None] + torch.minimum(steps, self.lengths[:, None] - 1), mask


def cut(clip_lengths: Sequence[int], segment: int, stride: int) -> Windows:
    """Windows that cover every frame of every clip; the last one of a clip may be short.

    A clip of n frames is cut at 0, stride, 2 stride, ... until a window reaches its end.
    """
    starts, lengths, first = [], [], 0
    for length in clip_lengths:
        at = np.arange(1 + max(0, -(-(length - segment) // stride))) * stride
        starts.append(first + at)
        lengths.append(np.minimum(segment, length - at))
        first += length
    return Windows(torch.from_numpy(np.concatenate(starts)), torch.from_numpy(np.concatenate(lengths)))


@dataclass(frozen=True)
class Resident:
    """Clips one after the other.

    Attributes:
        values: ``(N, D)``, float16 or float32 as stored; turned to float32 window by window.
        known: ``(N, F)`` bool, see ``samples.join_features``.
        widths: dimension of each feature, F numbers that sum to D.
        lengths: frames of each clip.
    """

    values: torch.Tensor
    known: torch.Tensor
    widths: list[int]
    lengths: list[int]

    def to(self, device: torch.device) -> Resident:
        """On ``device`` where it fits there; else it stays, and windows are copied as they are used."""
        if device.type == "cuda" and self.values.nbytes > _SHARE * torch.cuda.mem_get_info(device)[0]:
            return self
        return Resident(self.values.to(device), self.known.to(device), self.widths, self.lengths)

    def batch(self, windows: Windows, standard: Standard) -> tuple[torch.Tensor, torch.Tensor]:
        """Standardised input ``(B, T, D)`` float32 and mask ``(B, T)`` on the device of ``standard``.

        Rows where a feature has no value, and padding, are zero.
        """
        rows, mask = windows.to(self.values.device).rows()
        device = standard.mean.device
        values = (self.values[rows].to(device).float() - standard.mean) / standard.deviation
        mask = mask.to(device)
        widths = torch.tensor(self.widths, device=device)
        known = self.known[rows].to(device).repeat_interleave(widths, dim=-1)
        return torch.where(known & mask[..., None], values, 0.0), mask


def pack(joined: Iterable[tuple[np.ndarray, np.ndarray]], frames: int, widths: Sequence[int]) -> Resident:
    """Clips, each ``(values (n, D), known (n, F))``, as one long table of ``frames`` rows, filled clip by clip."""
    lengths: list[int] = []
    for values, known in joined:
        if not lengths:  # all clips are stored in the same type
            table = torch.from_numpy(np.empty((frames, values.shape[1]), values.dtype))
            marks = torch.zeros(frames, known.shape[1], dtype=torch.bool)
        at = slice(sum(lengths), sum(lengths) + len(values))
        table[at], marks[at] = torch.from_numpy(values), torch.from_numpy(known)
        lengths.append(len(values))
    assert sum(lengths) == frames, "the caller counts the frames"
    return Resident(table, marks, list(widths), lengths)
