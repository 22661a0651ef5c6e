"""Scores on test clips whose hidden truth is known, as it is for made-up data. The report alone reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from abaw_pipeline.datasets.base import need_folder
from abaw_pipeline.datasets.labels import read_label_file
from abaw_pipeline.datasets.names import clip_id
from abaw_pipeline.datasets.registry import DatasetSettings
from abaw_pipeline.datasets.settings import LabelledSettings
from abaw_pipeline.submission.rows import LACKING, collect
from abaw_pipeline.submission.truth import read_truth as read_labels
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS
from abaw_pipeline.training import scores

Read = Callable[[str], np.ndarray | None]


def read_truth(name: str, settings: DatasetSettings, task: str) -> dict[str, np.ndarray]:
    """Hidden labels by clip, ``(rows, width)``; empty where there are none.

    They are ``<root>/<truth>/<task>/<clip>.txt``, or rows of ``<root>/<truth>/<track><suffix>`` in the format of a
    track of which the task is a part.

    Raises:
        ValueError: the folder that the settings name is missing, or a file in it is no label file.
    """
    if not isinstance(settings, LabelledSettings) or settings.truth is None:
        return {}
    folder = need_folder(Path(settings.root) / settings.truth, f"datasets.{name}.truth")
    if (folder / task).is_dir():
        files = sorted((folder / task).glob("[!.]*.txt"))
        return {clip_id(path.stem): read_label_file(path, TASKS[task]) for path in files}
    for track in (track for track in TRACKS.values() if task in track.tasks):
        path = folder / f"{track.name}{track.suffix}"
        if path.is_file():
            return read_labels(path, track)[task]
    return {}


Compared = tuple[np.ndarray, np.ndarray, np.ndarray]


def against(truth: np.ndarray, predicted: np.ndarray | None, task: str) -> Compared:
    """Annotated rows of one clip, the predictions for them, paired as a submission would be, and which values count."""
    names = [("clip", number) for number in range(1, len(truth) + 1)]
    rows = collect(names, len(TASKS[task].columns), lambda _: predicted)
    marks = TASKS[task].marks(truth)
    counted = marks.any(axis=1) & (rows.state != LACKING)
    return truth[counted].astype(np.float64), rows.values[counted], marks[counted]


def score(truth: Mapping[str, np.ndarray], read: Read, task: str) -> dict[str, Any] | None:
    """The task's score and its value per column over all annotated frames; ``None`` where nothing can be compared.

    ``clips`` counts the clips that were compared, ``of`` those that have annotated frames, ``frames`` the frames.
    """
    known = TASKS[task]
    pairs = [against(rows, read(clip), task) for clip, rows in truth.items() if known.marks(rows).any()]
    compared = [pair for pair in pairs if len(pair[0])]
    if not compared:
        return None
    wanted, given, marks = (np.concatenate(side) for side in zip(*compared, strict=True))
    mean, columns = scores.score(known, wanted, given, marks)
    named = dict(zip(known.columns, columns, strict=True))
    return {"mean": mean, **named, "frames": len(wanted), "clips": len(compared), "of": len(pairs)}
