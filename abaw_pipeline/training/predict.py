"""A network's predictions for every frame of clips in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from abaw_pipeline.models.streams import State, take
from abaw_pipeline.models.temporal import TemporalModel
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.resident import Resident, Standard
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.windows import Windows, cut, turns


@dataclass(frozen=True)
class Serving:
    """A network, and the columns by task that it predicts; ``None``: all of them."""

    network: TemporalModel
    columns: Mapping[str, Sequence[int]] | None = None


def predict_serving(
    networks: Sequence[Serving], clips: Resident, standard: Standard, settings: ExperimentSettings
) -> dict[str, np.ndarray]:
    """``predict_frames`` of several networks: per column the mean over those that serve it."""
    made = [(one, predict_frames(one.network, clips, standard, settings)) for one in networks]
    return {name: _mean([(_served(one, name), values[name]) for one, values in made]) for name in settings.targets}


def _served(one: Serving, task: str) -> list[int]:
    every = list(range(len(TASKS[task].columns)))
    return every if one.columns is None else list(one.columns.get(task, []))


def _mean(made: Sequence[tuple[list[int], np.ndarray]]) -> np.ndarray:
    """Columns served and values ``(n, C)`` of each network to their means ``(n, C)`` float32."""
    if len(made) == 1:
        return made[0][1]
    total, count = np.zeros(made[0][1].shape), np.zeros(made[0][1].shape[1])
    for columns, values in made:
        total[:, columns] += values[:, columns]
        count[columns] += 1
    return (total / count).astype(np.float32)


@torch.no_grad()
def predict_frames(
    network: TemporalModel, clips: Resident, standard: Standard, settings: ExperimentSettings
) -> dict[str, np.ndarray]:
    """Predictions by task, ``(N, C)`` float32, or ``(clips, C)`` where a task has one label per clip.

    Values and intensities in their range, probabilities of classes, probabilities of units; the mean over the windows
    that hold a frame.

    Raises:
        ValueError: the network gave a value that is not finite.
    """
    network.eval()
    windows = cut(clips.lengths, settings.segment, settings.hop)
    device = standard.mean.device
    sums = {name: _Sums(name, clips, device) for name in settings.targets}
    state: State | None = None
    for turn in turns(network.carries_state, windows, settings.batch, None):
        frames, known, mask = clips.batch(turn.windows, standard)
        before = take(state, turn.carried.to(device)) if state and turn.carried is not None else None
        predicted = network(frames, known, mask, before)
        state = predicted.state
        for name, one in sums.items():
            one.add(turn.windows.to(device), mask, predicted.values[name].float())
    return {name: one.mean() for name, one in sums.items()}


class _Sums:
    """Sums over windows of what one task was predicted, per frame or per clip."""

    def __init__(self, task: str, clips: Resident, device: torch.device) -> None:
        self._task = TASKS[task]
        rows = sum(clips.lengths) if self._task.level == "frame" else len(clips.lengths)
        self._total = torch.zeros(rows, len(self._task.columns), device=device)
        self._count = torch.zeros(rows, 1, device=device)

    def add(self, windows: Windows, mask: torch.Tensor, scores: torch.Tensor) -> None:
        """``scores``: ``(B, T, C)``, or ``(B, C)`` of clips."""
        per_clip = self._task.level == "clip"
        rows = windows.clips if per_clip else windows.rows()[0][mask]
        values = self._decoded(scores if per_clip else scores[mask])
        self._total.index_add_(0, rows, values)
        self._count.index_add_(0, rows, torch.ones_like(values[:, :1]))

    def _decoded(self, scores: torch.Tensor) -> torch.Tensor:
        if self._task.kind == "class":
            return scores.softmax(dim=-1)
        return scores.sigmoid() if self._task.kind == "labels" else scores

    def mean(self) -> np.ndarray:
        values = (self._total / self._count).cpu().numpy()
        if not np.isfinite(values).all():
            raise ValueError("the model predicts values that are not finite; lower optimiser.lr and train again")
        return values
