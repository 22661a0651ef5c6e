"""A short trial of a training and of its predictions, on random features and labels of its own sizes.

Shape letters: N frames of all clips, D input dimension, F features.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import torch

from abaw_pipeline.features.plan import FeaturePlan
from abaw_pipeline.planning.stages import Stages
from abaw_pipeline.planning.work import Work
from abaw_pipeline.tasks import Task
from abaw_pipeline.training.history import Epoch
from abaw_pipeline.training.labelled import Labelled, Labels
from abaw_pipeline.training.loop import fit
from abaw_pipeline.training.predict import predict_frames
from abaw_pipeline.training.resident import Resident, Standard
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.sources import FeatureNote
from abaw_pipeline.training.targets import build_network

STEPS = 6
"""Steps of an epoch of the trial, where memory allows."""
MOST_VALUES = 50_000_000
"""Numbers in the table of the trial."""
MOST_EPOCHS = 3


@dataclass(frozen=True)
class Speeds:
    """Frames of the training side a second, their share of the validation included; predicted frames a second."""

    training: float
    prediction: float


class _Enough(Exception):
    """Ends a training whose speed is known."""


def training_speed(stages: Stages, work: Work, device: torch.device, budget_s: float) -> Speeds:
    """Try the experiment of a line of the plan (``train`` or ``infer``)."""
    settings = stages.config.experiments[work.name]
    notes = [_note(stages.config.plan(feature)) for feature in settings.features]
    trained, held_out = stages.sides(next(one for one in stages.now.trainings if one.experiment == work.name))
    side = _random_side(settings, [note.dimension for note in notes], settings.batch)
    width = side.clips.values.shape[1]
    standard = Standard(torch.zeros(width), torch.ones(width))
    steps = _epoch_seconds(settings, notes, side, standard, device, budget_s)
    network = build_network(settings, notes).to(device).eval()
    clips, frames = side.clips.to(device), sum(side.clips.lengths)
    predict_frames(network, clips, standard.to(device), settings)  # the first time is slower
    began = time.monotonic()
    predict_frames(network, clips, standard.to(device), settings)
    prediction = frames / (time.monotonic() - began)
    whole = trained * steps / frames + held_out / prediction  # seconds of a real epoch
    return Speeds(trained / whole if trained else frames / steps, prediction)


def _note(plan: FeaturePlan) -> FeatureNote:
    return FeatureNote(plan.name, plan.key, plan.spec.dimension, plan.spec.modality, plan.random)


def _random_side(settings: ExperimentSettings, widths: Sequence[int], number: int) -> Labelled:
    """``number`` clips of some windows each, every frame known and annotated."""
    rng, dimension = np.random.default_rng(0), sum(widths)
    length = max(min(STEPS * settings.segment, MOST_VALUES // (dimension * settings.batch)), 1)
    frames = length * number
    values = torch.from_numpy(rng.standard_normal((frames, dimension), np.float32).astype(np.float16))
    known = torch.ones((frames, len(widths)), dtype=torch.bool)
    clips = Resident(values, known, list(widths), [length] * number)
    counts = {"frame": frames, "clip": number}
    return Labelled(clips, {task.name: _random_labels(task, counts[task.level], rng) for task in settings.predicted})


def _random_labels(task: Task, rows: int, rng: np.random.Generator) -> Labels:
    shape = (rows, task.width)
    highest = len(task.columns) if task.kind == "class" else 2
    whole = task.kind in ("class", "labels")
    values = rng.integers(0, highest, shape).astype(np.float32) if whole else rng.random(shape, np.float32)
    return Labels(np.arange(rows), values, np.ones(shape, bool))


def _epoch_seconds(
    settings: ExperimentSettings,
    notes: Sequence[FeatureNote],
    side: Labelled,
    standard: Standard,
    device: torch.device,
    budget_s: float,
) -> float:
    """Seconds of one epoch of steps over ``side``, the first one apart where there are several."""
    ends = [time.monotonic()]

    def tell(history: Sequence[Epoch]) -> None:
        ends.append(time.monotonic())
        if len(history) == MOST_EPOCHS or ends[-1] - ends[0] > budget_s:
            raise _Enough

    held_out = _random_side(settings, side.clips.widths, 1)  # small: some settings ask for scores
    with suppress(_Enough):
        fit(lambda: build_network(settings, notes), side, held_out, standard, settings, 0, device, tell=tell)
    spans = np.diff(ends)
    return float(spans[1:].mean() if len(spans) > 1 else spans[0])
