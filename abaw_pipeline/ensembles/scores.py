"""How good an ensemble is on the clips that have labels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from abaw_pipeline.datasets.index import read_labels
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.samples import align_labels
from abaw_pipeline.training.scores import SCORES
from abaw_pipeline.types import Skipped


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
    pairs: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    skipped: list[Skipped] = []
    for clip in sorted(predictions.keys() & labels.keys()):
        marks = task.annotated(labels[clip])
        try:
            one = align_labels(labels[clip], marks, len(predictions[clip]), settings.extra_rows, clip)
        except ValueError as error:
            skipped.append(Skipped(clip, "score", str(error)))
            continue
        if marks.any():
            pair = one.labels[one.annotated], predictions[clip][one.rows[one.annotated]]
            pairs.setdefault(roles[clip], []).append(pair)
    return {role: _score(task.name, found) for role, found in sorted(pairs.items())}, skipped


def _score(task: str, pairs: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    truth, prediction = (np.concatenate(side) for side in zip(*pairs, strict=True))
    mean, columns = SCORES[task](truth, prediction)
    named = dict(zip(TASKS[task].columns, columns, strict=True))
    return {"mean": mean, **named, "frames": len(truth), "clips": len(pairs)}
