"""Losses by their name in the settings."""

from __future__ import annotations

from torch import nn

from abaw_pipeline.tasks import Task
from abaw_pipeline.training.labelled import Labels
from abaw_pipeline.training.losses.bce import BceLoss
from abaw_pipeline.training.losses.ccc import CccLoss
from abaw_pipeline.training.losses.cross_entropy import CrossEntropyLoss
from abaw_pipeline.training.losses.focal import FocalLoss
from abaw_pipeline.training.losses.mse import MseLoss
from abaw_pipeline.training.losses.mse_class import MseClassLoss
from abaw_pipeline.training.losses.settings import LossSettings

LOSSES: dict[str, type[nn.Module]] = {
    "bce": BceLoss,
    "ccc": CccLoss,
    "cross_entropy": CrossEntropyLoss,
    "focal": FocalLoss,
    "mse": MseLoss,
    "mse_class": MseClassLoss,
}


def build_loss(settings: LossSettings, task: Task, labels: Labels) -> nn.Module:
    """The loss that ``settings`` describes, of a task; see ``losses/__init__.py``.

    Args:
        labels: of the training fold; class weights come from there.
    """
    return LOSSES[settings.name](settings, task, labels)
