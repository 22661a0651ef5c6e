"""The training loop: epochs of steps, each followed by a validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from abaw_pipeline.models.temporal import TemporalModel
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.goals import Goal
from abaw_pipeline.training.history import Epoch
from abaw_pipeline.training.labelled import Labelled
from abaw_pipeline.training.optimisation.checkpoint import Checkpoint
from abaw_pipeline.training.optimisation.schedules import factor
from abaw_pipeline.training.predict import predict_frames
from abaw_pipeline.training.resident import Standard
from abaw_pipeline.training.scores import score
from abaw_pipeline.training.select import stops
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.step import Steps
from abaw_pipeline.training.trainer_state import Snapshot, TrainerState
from abaw_pipeline.training.windows import Windows, cut, turns

Tell = Callable[[Sequence[Epoch]], None]


@dataclass(frozen=True)
class Trained:
    """What a training came to: its epochs, and the weights of those that were chosen to predict."""

    history: list[Epoch]
    snapshots: list[Snapshot]


def fit(
    build: Callable[[], TemporalModel],
    train: Labelled,
    validation: Labelled | None,
    standard: Standard,
    settings: ExperimentSettings,
    seed: int,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
    tell: Tell = lambda history: None,
) -> Trained:
    """Train one network.

    Args:
        build: makes the untrained network; called after seeding.
        train: one label row per frame (or per clip) of it.
        validation: ``None`` where no clips are held out: epochs then have no scores.
        standard: what inputs are standardised by.
        checkpoint: is gone on from, and written after every epoch; ``None``: a training that is killed is lost.
        tell: called after each epoch, once its checkpoint is written, with all epochs so far.

    Raises:
        ValueError: a side without a label that counts, or a loss that is not finite.
    """
    for name, side in (("training", train), ("validation", validation)):
        if side:
            _require_labels(name, side)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        state = TrainerState(build().to(device), settings, seed)
        if checkpoint and (stored := checkpoint.load()):
            state.load_state_dict(stored)
        _epochs(state, train, validation, standard.to(device), settings, checkpoint, tell)
    return Trained(state.history, state.snapshots())


def _require_labels(name: str, side: Labelled) -> None:
    for task, labels in side.tasks.items():
        if not labels.marks.any():
            raise ValueError(f"the {name} clips have no annotated {TASKS[task].level} for '{task}'")


def _epochs(
    state: TrainerState,
    train: Labelled,
    validation: Labelled | None,
    standard: Standard,
    settings: ExperimentSettings,
    checkpoint: Checkpoint | None,
    tell: Tell,
) -> None:
    device, carries = standard.mean.device, bool(state.network.carries_state)
    targets = settings.targets.items()
    goals = {name: Goal(TASKS[name], target, train.tasks[name], device) for name, target in targets}
    windows = _training_windows(train, list(goals.values()), settings, carries)
    steps = Steps(state, train.clips.to(device), goals, standard, settings)
    held_out = validation and Labelled(validation.clips.to(device), validation.tasks)
    numbers = range(len(state.history) + 1, settings.epochs + 1)
    for number in progress(numbers, "train", "epoch", settings.epochs, len(state.history)):
        if stops(settings.early_stop, state.history):
            break
        order = list(turns(carries, windows, settings.batch, state.order))
        scores = [one.score for one in state.history]
        loss, losses = steps.epoch(order, partial(_rate, settings, number, scores))
        found, total = {}, None
        if held_out:
            found = measured(predict_frames(state.predicting, held_out.clips, standard, settings), held_out, settings)
            total = sum(task["mean"] for task in found.values())
        state.add(Epoch(number, loss, losses, total, found, _rate(settings, number, [*scores, total], 1.0)))
        if checkpoint:
            checkpoint.save(state.state_dict())
        tell(state.history)


def _rate(settings: ExperimentSettings, number: int, scores: Sequence[float | None], share: float) -> float:
    """Learning rate when a share of epoch ``number`` (from 1) is over; ``scores`` of the epochs before."""
    return settings.optimiser.lr * factor(settings.schedule, number - 1 + share, settings.epochs, scores)


def _training_windows(train: Labelled, goals: Sequence[Goal], settings: ExperimentSettings, carries: bool) -> Windows:
    """Windows with at least one annotated frame, or all where clips are walked: the others could teach nothing."""
    windows = cut(train.clips.lengths, settings.segment, settings.hop, settings.tail == "repeat")
    if carries:
        return windows
    taught = torch.zeros(len(windows), dtype=torch.bool)
    for goal in goals:
        if goal.task.level == "clip":
            taught |= goal.annotated[windows.clips]
        else:
            until = torch.cat([torch.zeros(1, dtype=torch.int64), goal.annotated.cumsum(0)])
            taught |= until[windows.starts + windows.lengths] > until[windows.starts]
    return windows.take(taught.nonzero()[:, 0])


def measured(
    predicted: Mapping[str, np.ndarray], side: Labelled, settings: ExperimentSettings
) -> dict[str, dict[str, float]]:
    """How good predictions of ``side`` are, as ``Epoch.scores``."""
    found = {}
    for task in settings.predicted:
        labels = side.tasks[task.name]
        at = np.flatnonzero(labels.annotated)
        mean, columns = score(task, labels.values[at], predicted[task.name][labels.rows[at]], labels.marks[at])
        found[task.name] = {"mean": mean, **dict(zip(task.columns, columns, strict=True))}
    return found
