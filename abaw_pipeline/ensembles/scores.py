"""How good an ensemble is on the clips that have labels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from abaw_pipeline.datasets.index import read_labels
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.training.aligned import align_labels
from abaw_pipeline.training.scores import score
from abaw_pipeline.types import Skipped

Compared = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Truth ``(r, W)``, prediction ``(r, C)`` and marks ``(r, W)`` of a clip's annotated rows."""


def score_roles(
    predictions: Mapping[str, np.ndarray], roles: Mapping[str, str], settings: EnsembleSettings, layout: Layout
) -> tuple[dict[str, dict[str, float]], list[Skipped]]:
    """Scores per role over all annotated frames of its clips together.

    Args:
        predictions: ``(n, C)`` by clip.

    Returns:
        per role ``mean``, one number per column, ``frames`` and ``clips`` (roles without an annotated frame have no
        entry), and the clips whose labels do not fit their frames.
    """
    task = TASKS[settings.task]
    labels = read_labels(layout, task.name) if layout.labels(task.name).is_file() else {}
    found: dict[str, list[Compared]] = {}
    skipped: list[Skipped] = []
    for clip in sorted(predictions.keys() & labels.keys()):
        try:
            one = _compared(labels[clip], predictions[clip], task, settings, clip)
        except ValueError as error:
            skipped.append(Skipped(clip, "score", str(error)))
            continue
        if len(one[0]):
            found.setdefault(roles[clip], []).append(one)
    return {role: _score(task, pairs) for role, pairs in sorted(found.items())}, skipped


def _compared(rows: np.ndarray, predicted: np.ndarray, task: Task, settings: EnsembleSettings, clip: str) -> Compared:
    aligned = align_labels({task.name: rows}, len(predicted), settings.extra_rows, clip)
    labels = aligned.tasks[task.name]
    counted = np.asarray(labels.marks.any(axis=1))
    places = aligned.rows[: len(counted)]
    return labels.values[counted], predicted[places[counted]], labels.marks[counted]


def _score(task: Task, pairs: list[Compared]) -> dict[str, float]:
    truth, prediction, marks = (np.concatenate(side) for side in zip(*pairs, strict=True))
    mean, columns = score(task, truth, prediction, marks)
    return {"mean": mean, **dict(zip(task.columns, columns, strict=True)), "frames": len(truth), "clips": len(pairs)}
