"""The training loop: windows in random order, best epoch by validation score.

Shape letters: N frames, r label rows, C predicted columns.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from abaw_pipeline.models.temporal import TemporalModel
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.training.optimisation.optimisers import build_optimiser, build_schedule
from abaw_pipeline.training.predict import predict_frames
from abaw_pipeline.training.registry import build_loss
from abaw_pipeline.training.resident import Resident, Standard, Windows, cut
from abaw_pipeline.training.scores import Score
from abaw_pipeline.training.settings import ExperimentSettings


@dataclass(frozen=True)
class Labelled:
    """Clips with labels.

    Attributes:
        clips: the features of N frames.
        rows: int64 ``(r,)``, the frame (row of ``clips``) of each label row; r may exceed N.
        labels: ``(r, C)`` float32.
        annotated: ``(r,)`` bool.
    """

    clips: Resident
    rows: np.ndarray
    labels: np.ndarray
    annotated: np.ndarray


@dataclass(frozen=True)
class Epoch:
    """One line of the history; ``lr`` is the learning rate after the epoch."""

    epoch: int
    loss: float
    columns: list[float]
    mean: float
    lr: float


@dataclass(frozen=True)
class Trained:
    """The network with the chosen epoch's weights."""

    network: TemporalModel
    history: list[Epoch]
    chosen: Epoch


def fit(
    build: Callable[[], TemporalModel],
    train: Labelled,
    validation: Labelled,
    standard: Standard,
    settings: ExperimentSettings,
    seed: int,
    score: Score,
    device: torch.device,
    tell: Callable[[int], None] = lambda epoch: None,
) -> Trained:
    """Train one network.

    Args:
        build: makes the untrained network; called after seeding.
        train: one label row per frame (rows beyond the last frame are frames of their own here).
        standard: what inputs are standardised by.
        score: the task's score over all annotated validation rows together.
        tell: called with the number of each finished epoch.

    Raises:
        ValueError: no annotated row on a side, or a loss that is not finite.
    """
    for name, side in (("training", train), ("validation", validation)):
        if not side.annotated.any():
            raise ValueError(f"the {name} clips have no annotated frame")
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        network = build().to(device)
        sides = _on(train, device), _on(validation, device)
        return _epochs(network, *sides, standard.to(device), settings, seed, score, tell)


def _on(side: Labelled, device: torch.device) -> Labelled:
    return replace(side, clips=side.clips.to(device))


def _epochs(
    network: TemporalModel,
    train: Labelled,
    validation: Labelled,
    standard: Standard,
    settings: ExperimentSettings,
    seed: int,
    score: Score,
    tell: Callable[[int], None],
) -> Trained:
    windows = _annotated_windows(train, settings)
    steps = math.ceil(len(windows) / settings.batch)
    optimiser = build_optimiser(settings.optimiser, network.parameters())
    schedule = build_schedule(settings.schedule, optimiser, steps * settings.epochs)
    step = _Step(network, train, standard, build_loss(settings.loss), optimiser, schedule)
    order = torch.Generator().manual_seed(seed)
    history: list[Epoch] = []
    best: Epoch | None = None
    weights: dict[str, torch.Tensor] = {}
    for number in progress(range(1, settings.epochs + 1), "train", "epoch"):
        parts = torch.randperm(len(windows), generator=order).split(settings.batch)
        loss = float(np.mean([step(windows.take(part)) for part in parts]))
        mean, columns = _validate(network, validation, standard, settings, score)
        history.append(Epoch(number, loss, columns, mean, float(schedule.get_last_lr()[0])))
        tell(number)
        if best is None or mean > best.mean:
            best, weights = history[-1], copy.deepcopy(network.state_dict())
        if settings.early_stop and number - best.epoch >= settings.early_stop:
            break
    assert best is not None, "there is at least one epoch"
    if settings.select == "last":
        return Trained(network.eval(), history, history[-1])
    network.load_state_dict(weights)
    return Trained(network.eval(), history, best)


def _annotated_windows(train: Labelled, settings: ExperimentSettings) -> Windows:
    """Windows with at least one annotated frame; the others could teach nothing."""
    windows = cut(train.clips.lengths, settings.segment, settings.hop)
    until = np.concatenate([[0], np.cumsum(train.annotated)])
    starts, ends = windows.starts.numpy(), (windows.starts + windows.lengths).numpy()
    return windows.take(torch.from_numpy(np.flatnonzero(until[ends] > until[starts])))


class _Step:
    """One batch: forward, loss over its annotated frames, backward, update."""

    def __init__(
        self,
        network: TemporalModel,
        train: Labelled,
        standard: Standard,
        loss: nn.Module,
        optimiser: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
    ) -> None:
        self.network, self.clips, self.standard = network, train.clips, standard
        self.loss, self.optimiser, self.schedule = loss, optimiser, schedule
        self.labels = torch.from_numpy(train.labels).to(standard.mean.device)
        self.annotated = torch.from_numpy(train.annotated).to(standard.mean.device)

    def __call__(self, windows: Windows) -> float:
        self.network.train()
        frames, mask = self.clips.batch(windows, self.standard)
        rows = windows.to(mask.device).rows()[0]
        counted = mask & self.annotated[rows]
        loss = self.loss(self.network(frames, mask)[counted], self.labels[rows[counted]])
        if not math.isfinite(value := loss.item()):
            raise ValueError(f"training: the loss is {value}; lower optimiser.lr")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.schedule.step()
        return value


def _validate(
    network: TemporalModel, side: Labelled, standard: Standard, settings: ExperimentSettings, score: Score
) -> tuple[float, list[float]]:
    frames = predict_frames(network, side.clips, standard, settings.segment, settings.hop, settings.batch)
    counted = side.annotated
    return score(side.labels[counted], frames[side.rows[counted]])
