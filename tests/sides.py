"""Sides of a fold from arrays in memory, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from abaw_pipeline.training.aligned import Aligned, align_labels
from abaw_pipeline.training.labelled import Labelled
from abaw_pipeline.training.settings import ExperimentSettings, ExtraRows
from abaw_pipeline.training.sides import load_side
from abaw_pipeline.types import FrameTable


def table(values: Sequence[float], valid: Sequence[int], dtype: str = "float32") -> FrameTable:
    """One number a frame."""
    return FrameTable(np.array(values, dtype)[:, None], np.array(valid, bool))


def settings(*tasks: str, **changes: Any) -> ExperimentSettings:
    raw = {"tasks": {task: {} for task in tasks}, "features": ["a"], "encoder": {"name": "gru"}}
    return ExperimentSettings.model_validate({**raw, **changes})


def aligned(frames: int, **labels: Any) -> Aligned:
    """Label rows of each task, one list a row, on the frames of a clip; more rows than frames are allowed."""
    rows = {task: np.array(one, np.float32) for task, one in labels.items()}
    return align_labels(rows, frames, ExtraRows(policy="repeat_last"), "clip")


def side(
    clips: Mapping[str, tuple[Aligned, Sequence[FrameTable]]], chosen: ExperimentSettings, training: bool
) -> Labelled:
    """What is in memory of clips with their labels and features."""
    widths = [one.values.shape[1] for one in next(iter(clips.values()))[1]]
    read = {clip: list(tables) for clip, (_, tables) in clips.items()}
    return load_side({clip: one for clip, (one, _) in clips.items()}, read.__getitem__, widths, chosen, training)[0]
