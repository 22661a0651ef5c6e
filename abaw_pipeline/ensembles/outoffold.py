"""What an ensemble may choose by: predictions of labelled clips by models that had them held out, and their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from abaw_pipeline.datasets.index import read_labels
from abaw_pipeline.ensembles.apply import Choice
from abaw_pipeline.ensembles.choose import OutOfFold, choose
from abaw_pipeline.ensembles.members import Member, gathered
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.runtime.code import code_digest
from abaw_pipeline.runtime.keys import array_digest, digest, settings_digest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.aligned import align_labels


def choice_of(
    members: Sequence[Member], settings: EnsembleSettings, start: Choice, layout: Layout, earlier: Mapping[str, Any]
) -> tuple[Choice, dict[str, Any]]:
    """Choose on the out-of-fold predictions of one data set, or take what was chosen from the very same before.

    Args:
        members: in the order of ``start.members``.
        earlier: what an earlier manifest says of its choice; may be empty.

    Returns:
        The choice, and what the manifest says of it: ``columns``, out-of-fold ``scores`` step by step, ``clips`` (how
        many), ``data_set`` and ``key``.

    Raises:
        ValueError: no labelled clip that every member holds out.
    """
    task = TASKS[settings.read]
    labels = read_labels(layout, task.name)
    clips = [clip for clip in sorted(labels) if all(member.having(clip, held=True) for member in members)]
    clips = [clip for clip in clips if task.marks(labels[clip]).any() and _fits(members, clip, labels[clip], settings)]
    if not clips:
        raise ValueError(
            "no labelled clip that every member holds out, so nothing can be chosen; take members with the same folds, "
            "or give weights, sizes and thresholds"
        )
    contents = [[member.contents(clip, held=True) for member in members] for clip in clips]
    code = code_digest("ensembles.choose")
    key = digest([settings_digest(settings), clips, contents, [array_digest(labels[c]) for c in clips], code])
    if earlier.get("key") == key:
        return Choice.read(earlier["columns"], start.members, task), dict(earlier)
    data = _data(members, clips, labels, settings)
    chosen, scores = choose(task, settings, data, start)
    said = {"columns": chosen.said(task), "scores": scores, "clips": len(clips), "data_set": layout.dataset}
    return chosen, {**said, "key": key}


def _fits(members: Sequence[Member], clip: str, rows: np.ndarray, settings: EnsembleSettings) -> bool:
    """Whether a clip's label rows can be laid on its frames; of those that can not, its scores tell (``scores.py``)."""
    frames = members[0].having(clip, held=True)[0].manifest.clips[clip]["rows"]
    try:
        align_labels({settings.read: rows}, frames, settings.extra_rows, clip)
    except ValueError:
        return False
    return True


def _data(
    members: Sequence[Member], clips: Sequence[str], labels: Mapping[str, np.ndarray], settings: EnsembleSettings
) -> OutOfFold:
    """Predictions clip by clip, and the label rows that count."""
    task, parts, rows, kept, start = TASKS[settings.read], [], [], [], 0
    for clip in clips:
        parts.append(gathered(members, clip, settings, held=True))
        frames = parts[-1][0].shape[1]
        aligned = align_labels({task.name: labels[clip]}, frames, settings.extra_rows, clip)
        one = aligned.tasks[task.name]
        counted = np.flatnonzero(one.marks.any(axis=1))
        rows.append(start + (aligned.rows[counted] if task.level == "frame" else counted))
        kept.append((one.values[counted], one.marks[counted]))
        start += frames
    predictions, owners = zip(*parts, strict=True)
    truth, marks = (np.concatenate(side) for side in zip(*kept, strict=True))
    return OutOfFold([*predictions], [*owners], np.concatenate(rows), truth, marks)
