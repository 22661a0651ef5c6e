"""Checks of a clip's labels: their number against the frames, what they say, stretches without any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from abaw_pipeline.doctor.pictures import LONG_GAP
from abaw_pipeline.doctor.problems import Problem, Rank
from abaw_pipeline.doctor.runs import longest
from abaw_pipeline.tasks import Task
from abaw_pipeline.training.settings import ExtraRows
from abaw_pipeline.types import Clip

FEW = 5
"""Frames without a label at the end that need no thought: label files, decoders and crops differ by a few."""

Rules = Sequence[tuple[str, ExtraRows]]
"""What experiments, by name, do with label rows past the last frame."""


@dataclass(frozen=True)
class Annotation:
    """One task's labels of one clip: ``rows`` ``(m, W)``, and the clip's own annotation file where it has one."""

    clip: Clip
    task: Task
    rows: np.ndarray
    file: Path | None

    def problem(self, rank: Rank, kind: str, row: int, what: str, then: str) -> Problem:
        """Something that begins at row ``row`` (from 0)."""
        frame = f", frame {row + 1}" if self.task.level == "frame" else ""
        where = f"{self.file}: line {row + 2}" if self.file else f"{self.clip.id}{frame} ({self.task.name})"
        return Problem(rank, kind, where, what, then, self.clip.id)


def check_labels(labels: Annotation, frames: int | None, rules: Rules) -> Iterator[Problem]:
    """Everything about one task's labels of one clip.

    Args:
        frames: of the clip's picture clock, where it is known.
        rules: of the experiments that train on them.
    """
    if frames is not None and labels.task.level == "frame":
        yield from _count(labels, frames, rules)
    yield from _half_annotated(labels)
    annotated = labels.task.annotated(labels.rows)
    any_annotated = bool(labels.task.marks(labels.rows).any())
    if not any_annotated:
        then = "nothing is trained or scored on it"
        what = f"no {'row' if labels.task.level == 'frame' else 'label'} of {labels.task.name} is annotated"
        yield labels.problem("warning", "no labels", 0, what, then)
        return
    start, length = longest(~annotated)
    if length >= LONG_GAP:
        what = f"no label of {labels.task.name} for {length} frames from frame {start + 1} on"
        yield labels.problem("note", "label gap", start, what, "these frames are neither trained nor scored on")
    known = labels.rows[annotated]
    if labels.task.kind == "values" and len(known) > 1 and not np.ptp(known, axis=0).any():
        what = f"all {len(known)} annotated rows of {labels.task.name} are the same"
        yield labels.problem("warning", "constant labels", 0, what, "they are used as they are")


def _count(labels: Annotation, frames: int, rules: Rules) -> Iterator[Problem]:
    """Rows past the last frame; where a clip has a file of its own, frames past the last row."""
    extra = len(labels.rows) - frames
    what = f"{len(labels.rows)} label rows of {labels.task.name} for {frames} frames"
    if extra > 0:
        leave = [name for name, rule in rules if extra > rule.tolerance and rule.policy == "skip_clip"]
        beyond = not rules and extra > ExtraRows().tolerance
        if leave or beyond:
            who = f"{', '.join(leave)} leave" if leave else "experiments leave"
            then = f"{who} the clip out (extra_rows); do they belong together?"
            yield labels.problem("error", "label rows", frames, what, then)
        else:
            then = "the rows past the end take the last frame, and are noted"
            yield labels.problem("note" if extra <= FEW else "warning", "label rows", frames, what, then)
    elif extra < 0 and labels.file:
        rank: Rank = "note" if -extra <= FEW else "warning"
        doubt = "" if -extra <= FEW else "; do they belong together?"
        then = f"the last {-extra} frames are neither trained nor scored on{doubt}"
        yield labels.problem(rank, "label rows", len(labels.rows) - 1, what, then)


def _half_annotated(labels: Annotation) -> Iterator[Problem]:
    """The missing mark in some values of a row that counts whole."""
    known = (labels.rows != labels.task.missing) & np.isfinite(labels.rows)
    half = np.flatnonzero(known.any(axis=1) & ~known.all(axis=1))
    if labels.file and labels.task.kind != "labels" and len(half):  # readers of other files tell it themselves
        mark = "no value" if np.isnan(labels.task.missing) else f"{labels.task.missing:g}"
        rows = "1 row has" if len(half) == 1 else f"{len(half)} rows have"
        what = f"{rows} {mark} in some values of {labels.task.name} and not in all"
        yield labels.problem("warning", "half a label", int(half[0]), what, "such a row counts as not annotated")
