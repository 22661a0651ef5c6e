"""Trainings of a few units on made-up features in memory, for tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from abaw_pipeline.models.temporal import TemporalModel
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.training.labelled import Labelled, Labels
from abaw_pipeline.training.loop import Trained, fit
from abaw_pipeline.training.optimisation.checkpoint import Checkpoint
from abaw_pipeline.training.resident import Resident, Standard
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.sources import FeatureNote
from abaw_pipeline.training.targets import build_network

WIDTH = 6
LENGTHS = [50, 70, 20, 45]


def small(**changes: Any) -> ExperimentSettings:
    """Of valence and arousal, where ``tasks`` do not say otherwise."""
    raw = {"features": ["lin"], "encoder": {"name": "gru", "hidden": 8}, "segment": 20, "batch": 4, "epochs": 2}
    task = {} if "tasks" in changes else {"task": "va"}
    return ExperimentSettings.model_validate({**raw, **task, "optimiser": {"lr": 0.01}, **changes})


def labels(task: Task, features: np.ndarray, lengths: Sequence[int], seed: int = 5) -> Labels:
    """What a fixed projection of the features says; a fifth of the rows do not count."""
    rng = np.random.default_rng(seed)
    scores = features @ np.random.default_rng(1).normal(size=(WIDTH, len(task.columns)))
    if task.level == "clip":
        scores = np.stack([part.mean(0) for part in np.split(scores, np.cumsum(lengths)[:-1])])
    values = {
        "values": np.tanh(scores),
        "intensities": 1 / (1 + np.exp(-scores)),
        "labels": scores > 0,
        "class": scores.argmax(1, keepdims=True),
    }[task.kind].astype(np.float32)
    marks = np.broadcast_to(rng.random((len(values), 1)) > 0.2, values.shape).copy()
    return Labels(np.arange(len(values)), values, marks)


def side(*tasks: str, lengths: Sequence[int] = LENGTHS, seed: int = 0) -> Labelled:
    features = np.random.default_rng(seed).normal(size=(sum(lengths), WIDTH)).astype(np.float32)
    known = torch.ones(len(features), 1, dtype=torch.bool)
    clips = Resident(torch.from_numpy(features), known, [WIDTH], list(lengths))
    return Labelled(clips, {name: labels(TASKS[name], features, lengths) for name in tasks or ("va",)})


def network(settings: ExperimentSettings) -> TemporalModel:
    return build_network(settings, [FeatureNote("lin", "key", WIDTH, "visual", False)])


def trained(
    settings: ExperimentSettings,
    train: Labelled | None = None,
    validation: Labelled | None = None,
    seed: int = 0,
    build: Callable[[ExperimentSettings], TemporalModel] = network,
    held_out: bool = True,
    **options: Any,
) -> Trained:
    """Trained on the CPU, on made-up sides where none are given; ``held_out``: there are validation clips."""
    train = train or side(*settings.targets)
    validation = validation or side(*settings.targets, seed=9) if held_out else None
    standard = Standard(torch.zeros(WIDTH), torch.ones(WIDTH))
    cpu = torch.device("cpu")
    return fit(lambda: build(settings), train, validation, standard, settings, seed, cpu, **options)


def equal(first: Trained, second: Trained) -> bool:
    """Whether two trainings have the same history, and chose the same weights to the last bit."""
    pairs = list(zip(first.snapshots, second.snapshots, strict=True))
    return first.history == second.history and all(
        (a.epoch, a.columns, a.weights.keys()) == (b.epoch, b.columns, b.weights.keys())
        and all(torch.equal(value, b.weights[name]) for name, value in a.weights.items())
        for a, b in pairs
    )


def train_and_die(path: Path, settings: ExperimentSettings, step: int) -> None:
    """Go on from the checkpoint at ``path`` and kill this process at the given step, counted from 1."""
    torch.set_num_threads(1)
    left = [step]

    def die(module: nn.Module, inputs: object) -> None:
        left[0] -= module.training
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    def build(settings: ExperimentSettings) -> TemporalModel:
        made = network(settings)
        made.register_forward_pre_hook(die)
        return made

    trained(settings, build=build, checkpoint=Checkpoint(path, "key"))
