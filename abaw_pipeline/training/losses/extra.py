"""What losses want of the network beside the task's columns. Imports no torch."""

from __future__ import annotations

from abaw_pipeline.tasks import Task
from abaw_pipeline.training.losses.settings import LossSettings


def extra_outputs(settings: LossSettings, task: Task) -> int:
    """Numbers per frame (or clip) after the task's columns: ``mse_class`` wants the scores of a class head."""
    return len(task.columns) if settings.name == "mse_class" else 0
