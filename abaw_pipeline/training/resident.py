"""Clips held in memory as one long table, and windows of it by index arithmetic.

Shape letters: N frames of all clips, D input dimension, F features, B windows, T frames of the longest window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from abaw_pipeline.training.windows import Windows

_SHARE = 0.6  # of the free device memory: the rest is for activations


@dataclass(frozen=True)
class Standard:
    """What inputs are standardised by, ``(D,)`` float32 each; part of a model."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def to(self, device: torch.device) -> Standard:
        return Standard(self.mean.to(device), self.deviation.to(device))


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

    @cached_property
    def whole(self) -> bool:
        """Whether every feature has a value in every frame."""
        return bool(self.known.all())

    def to(self, device: torch.device) -> Resident:
        """On ``device`` where it fits there; else it stays, and windows are copied as they are used."""
        if device.type == "cuda" and self.values.nbytes > _SHARE * torch.cuda.mem_get_info(device)[0]:
            return self
        return replace(self, values=self.values.to(device), known=self.known.to(device))

    def batch(self, windows: Windows, standard: Standard) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Windows on the device of ``standard``.

        Args:
            windows: on the CPU, so that a GPU is never waited for.

        Returns:
            standardised frames ``(B, T, D)`` float32, known ``(B, T, F)`` and mask ``(B, T)``. Rows where a feature
            has no value, and padding, are zero and not known.
        """
        rows, mask = windows.rows()
        device, whole = standard.mean.device, self.whole and windows.full
        rows, mask = rows.to(self.values.device, non_blocking=True), mask.to(device, non_blocking=True)
        values = self._taken(self.values, rows, device).float()  # a copy, so what follows may work in place
        values.sub_(standard.mean).div_(standard.deviation)
        known = self._taken(self.known, rows, device) & mask[..., None]
        if not whole:
            self._clear(values, known)
        return values, known, mask

    def _taken(self, table: torch.Tensor, rows: torch.Tensor, device: torch.device) -> torch.Tensor:
        """Rows ``(B, T)`` of a table, ``(B, T, ...)``, on ``device``; from pinned memory where they lie elsewhere.

        Not ``table[rows]``: that takes number by number, this row by row.
        """
        shape, pinned = (rows.numel(), table.shape[1]), table.device != device
        out = torch.empty(shape, dtype=table.dtype, device=table.device, pin_memory=pinned)
        torch.index_select(table, 0, rows.flatten(), out=out)
        return out.view(*rows.shape, -1).to(device, non_blocking=True)

    def _clear(self, values: torch.Tensor, known: torch.Tensor) -> None:
        """Zero in place where a feature has no value."""
        for place, part in enumerate(values.split(self.widths, dim=-1)):
            part.masked_fill_(~known[..., place : place + 1], 0.0)


def pack(joined: Iterable[tuple[np.ndarray, np.ndarray]], most: int, widths: Sequence[int]) -> Resident:
    """Clips, each ``(values (n, D), known (n, F))``, as one long table of ``most`` rows at most, filled one by one."""
    lengths: list[int] = []
    end = 0
    for values, known in joined:
        if not lengths:  # all clips are stored in the same type
            table = torch.from_numpy(np.empty((most, values.shape[1]), values.dtype))
            marks = torch.zeros(most, known.shape[1], dtype=torch.bool)
        at = slice(end, end + len(values))
        table[at], marks[at] = torch.from_numpy(values), torch.from_numpy(known)
        lengths.append(len(values))
        end = at.stop
    return Resident(table[:end], marks[:end], list(widths), lengths)
