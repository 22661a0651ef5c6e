"""Submissions that several ensembles make up: the score of their track, and the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from abaw_pipeline.runtime.files import read_json
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.submission.asked import Asked
from abaw_pipeline.submission.write import provenance_path
from abaw_pipeline.tracks import TRACKS
from abaw_pipeline.training.scores import track_measure, track_score

NOT_SENT: dict[str, Any] = {"submission": None, "provenance": None}
"""``submission_row`` of what no track wants."""


def joined_scores(track: str, scores: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, float]:
    """The score of a track by role, where each of its tasks has one; ``scores`` by task and role."""
    roles = set.intersection(*(set(of_task) for of_task in scores.values()))
    return {
        role: track_score(TRACKS[track], {task: own[role]["mean"] for task, own in scores.items()})
        for role in sorted(roles)
    }


def joined_row(results: Path, asked: Asked, ensembles: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What the report tells of a joined submission; ``None`` where an ensemble of it is not made yet.

    Args:
        ensembles: the report's rows of ensembles.
    """
    rows = {row["ensemble"]: row for row in ensembles if row["dataset"] == asked.dataset}
    if not all(name in rows for name in asked.ensembles.values()):
        return None
    parts = {task: rows[name] for task, name in asked.ensembles.items()}
    truth = {task: {"truth": row["truth"]} if row["truth"] else {} for task, row in parts.items()}
    return {
        "name": asked.name,
        "dataset": asked.dataset,
        "track": asked.track,
        "measure": track_measure(TRACKS[asked.track]),
        "ensembles": dict(asked.ensembles),
        "scores": joined_scores(asked.track, {task: row["scores"] for task, row in parts.items()}),
        "truth": joined_scores(asked.track, truth).get("truth"),
        **submission_row(Layout(results, asked.dataset), asked.name, asked.track),
    }


def submission_row(layout: Layout, name: str, track: str) -> dict[str, Any]:
    """Where a submission file is, and what its provenance says; ``None`` each where there is none."""
    submission = layout.submission(name, track)
    provenance = provenance_path(submission)
    return {
        "submission": str(submission) if submission.is_file() else None,
        "provenance": read_json(provenance, "abaw submit") if provenance.is_file() else None,
    }
