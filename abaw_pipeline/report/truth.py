"""Scores on test clips whose hidden truth is known, as it is for made-up data. The report alone reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from abaw_pipeline.datasets.base import need_folder
from abaw_pipeline.datasets.labels import read_label_file
from abaw_pipeline.datasets.settings import Affwild2Settings, DatasetSettings
from abaw_pipeline.metrics import mean_ccc
from abaw_pipeline.submission.rows import LACKING, collect
from abaw_pipeline.tasks import TASKS

Read = Callable[[str], np.ndarray | None]


def read_truth(name: str, settings: DatasetSettings, task: str) -> dict[str, np.ndarray]:
    """Hidden labels by clip, ``(rows, width)``, from ``<root>/<truth>/<task>/<clip>.txt``; empty where there are none.

    Raises:
        ValueError: the folder that the settings name is missing, or a file in it is no label file.
    """
    if not isinstance(settings, Affwild2Settings) or settings.truth is None:
        return {}
    folder = need_folder(Path(settings.root) / settings.truth, f"datasets.{name}.truth")
    return {path.stem: read_label_file(path, TASKS[task]) for path in sorted((folder / task).glob("[!.]*.txt"))}


def against(truth: np.ndarray, predicted: np.ndarray | None, task: str) -> tuple[np.ndarray, np.ndarray]:
    """Annotated rows of one clip and the predictions for them, ``(m, C)`` each, paired as a submission would be."""
    rows = collect(
        [("clip", number) for number in range(1, len(truth) + 1)], len(TASKS[task].columns), lambda _: predicted
    )
    counted = TASKS[task].annotated(truth) & (rows.state != LACKING)
    return truth[counted].astype(np.float64), rows.values[counted]


def score(truth: Mapping[str, np.ndarray], read: Read, task: str) -> dict[str, Any] | None:
    """CCC per column and their mean over all annotated frames together; ``None`` where nothing can be compared.

    ``clips`` counts the clips that were compared, ``of`` those that have annotated frames, ``frames`` the frames.
    """
    pairs = [against(rows, read(clip), task) for clip, rows in truth.items() if TASKS[task].annotated(rows).any()]
    compared = [pair for pair in pairs if len(pair[0])]
    if not compared:
        return None
    wanted, given = (np.concatenate(side) for side in zip(*compared, strict=True))
    mean, columns = mean_ccc(wanted, given)
    named = dict(zip(TASKS[task].columns, columns, strict=True))
    return {"mean": mean, **named, "frames": len(wanted), "clips": len(compared), "of": len(pairs)}
