"""Learning-rate schedules as functions of the time and the scores so far: nothing of them needs to be saved."""

from __future__ import annotations

import math
from collections.abc import Sequence

from abaw_pipeline.training.optimisation.settings import (
    Constant,
    Cosine,
    CosineRestarts,
    Linear,
    Plateau,
    ScheduleSettings,
    Step,
)

_ROUNDING = 1e-9  # of an epoch: a restart must not come a step late because 0.1 + 0.2 > 0.3


def factor(schedule: ScheduleSettings, epoch: float, epochs: int, scores: Sequence[float | None] = ()) -> float:
    """What the learning rate is multiplied by.

    Args:
        epoch: time since the start in epochs; 1.5 is half-way through the second.
        epochs: length of the whole training. After the warm-up the schedule has what is left of it.
        scores: validation scores of the epochs so far; only ``Plateau`` looks at them.
    """
    if epoch < schedule.warmup:
        return epoch / schedule.warmup
    time, left = epoch - schedule.warmup, epochs - schedule.warmup
    match schedule:
        case Constant():
            return 1.0
        case Linear():
            return 1 - (1 - schedule.floor) * time / left
        case Cosine():
            return _half_cosine(time / left, schedule.floor)
        case CosineRestarts():
            decay = 0.1 if schedule.decay_after and epoch >= schedule.decay_after - _ROUNDING else 1.0
            return decay * _half_cosine(_place(time, schedule), schedule.floor)
        case Step():
            return schedule.factor ** math.floor((time + _ROUNDING) / schedule.every)
        case Plateau():
            return schedule.factor ** _drops(scores, schedule.patience)


def _half_cosine(place: float, floor: float) -> float:
    """From 1 at 0 to ``floor`` at 1."""
    return floor + (1 - floor) * (1 + math.cos(math.pi * place)) / 2


def _place(time: float, schedule: CosineRestarts) -> float:
    """How far ``time`` lies in its stretch, in [0, 1)."""
    length = schedule.first
    while time >= length - _ROUNDING:
        time, length = time - length, length * schedule.factor
    return max(time, 0.0) / length


def _drops(scores: Sequence[float | None], patience: int) -> int:
    """How often more than ``patience`` epochs in a row were no better than the best before them.

    As ``torch.optim.lr_scheduler.ReduceLROnPlateau`` with threshold 0 counts them.
    """
    best, waited, drops = -math.inf, 0, 0
    for score in scores:
        assert score is not None, "the settings ask for no score where no clips are held out"
        best, waited = (score, 0) if score > best else (best, waited + 1)
        if waited > patience:
            waited, drops = 0, drops + 1
    return drops
