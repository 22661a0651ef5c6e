"""Windows of clips that lie one after the other, and the order in which they are seen.

Shape letters: B windows, T frames of the longest window, W windows of all clips.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch


@dataclass(frozen=True)
class Windows:
    """``starts``, ``lengths`` and ``clips`` int64 ``(W,)``: first row of the long table, frames, and number of its
    clip; no window crosses clips.

    ``repeated``: short windows are filled up to that many frames by repeating them from their start.
    """

    starts: torch.Tensor
    lengths: torch.Tensor
    clips: torch.Tensor
    repeated: int | None = None

    def __len__(self) -> int:
        return len(self.starts)

    def take(self, index: torch.Tensor) -> Windows:
        return replace(self, starts=self.starts[index], lengths=self.lengths[index], clips=self.clips[index])

    def to(self, device: torch.device) -> Windows:
        return replace(
            self, starts=self.starts.to(device), lengths=self.lengths.to(device), clips=self.clips.to(device)
        )

    @property
    def full(self) -> bool:
        """Whether no window has padding."""
        return self.repeated is not None or bool((self.lengths == self.lengths[0]).all())

    def rows(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Row indices and mask, ``(B, T)`` each; padding repeats a window's last row and is masked out."""
        if self.repeated:
            steps = torch.arange(self.repeated, device=self.starts.device)
            rows = self.starts[:, None] + steps % self.lengths[:, None]
            return rows, torch.ones_like(rows, dtype=torch.bool)
        steps = torch.arange(int(self.lengths.max()), device=self.starts.device)
        mask = steps < self.lengths[:, None]
        return self.starts[:, None] + torch.minimum(steps, self.lengths[:, None] - 1), mask


def cut(clip_lengths: Sequence[int], segment: int, stride: int, repeated: bool = False) -> Windows:
    """Windows that cover every frame of every clip; the last one of a clip may be short.

    A clip of n frames is cut at 0, stride, 2 stride, ... until a window reaches its end.

    Args:
        repeated: short windows are filled up to ``segment``.
    """
    starts, lengths, clips, first = [], [], [], 0
    for number, length in enumerate(clip_lengths):
        at = np.arange(1 + max(0, -(-(length - segment) // stride))) * stride
        starts.append(first + at)
        lengths.append(np.minimum(segment, length - at))
        clips.append(np.full(len(at), number))
        first += length
    whole = [torch.from_numpy(np.concatenate(part)) for part in (starts, lengths, clips)]
    return Windows(whole[0], whole[1], whole[2], segment if repeated else None)


@dataclass(frozen=True)
class Turn:
    """The windows of one step.

    ``carried``: int64 ``(B,)``, where each window's clip stood in the turn before, whose state it goes on from;
    ``None``: all begin with no state.
    """

    windows: Windows
    carried: torch.Tensor | None = None


def shuffled(windows: Windows, batch: int, order: torch.Generator | None) -> Iterator[Turn]:
    """Batches of ``batch`` windows in random order; ``None``: in their own order."""
    index = torch.randperm(len(windows), generator=order) if order else torch.arange(len(windows))
    for part in index.split(batch):
        yield Turn(windows.take(part))


def walked(windows: Windows, batch: int, order: torch.Generator | None) -> Iterator[Turn]:
    """``batch`` clips side by side, segment by segment from their starts; then the next ``batch`` clips.

    Args:
        windows: in order within each clip, as ``cut`` gives them.
        order: shuffles the clips; ``None``: in their own order.
    """
    names, counts = torch.unique_consecutive(windows.clips, return_counts=True)
    firsts = torch.cumsum(counts, 0) - counts
    index = torch.randperm(len(names), generator=order) if order else torch.arange(len(names))
    for group in index.split(batch):
        group = group[torch.argsort(counts[group], descending=True, stable=True)]  # those that end first stand last
        for step in range(int(counts[group].max())):
            going = group[counts[group] > step]
            yield Turn(windows.take(firsts[going] + step), torch.arange(len(going)) if step else None)


def turns(carry_state: bool, windows: Windows, batch: int, order: torch.Generator | None) -> Iterator[Turn]:
    """``walked`` for encoders that carry their state, else ``shuffled``."""
    return (walked if carry_state else shuffled)(windows, batch, order)
