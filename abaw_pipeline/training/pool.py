"""The clips of an experiment's data set, joined by the training clips of its extra ones.

A clip of an extra data set goes by ``<data set>/<clip>``. It is on the training side of every fold and nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

import numpy as np

from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.splits.folds import Fold, joint_splits, split
from abaw_pipeline.training.splits.settings import FoldSettings
from abaw_pipeline.types import Clip

Tables = Mapping[str, Mapping[str, np.ndarray]]
"""Label rows ``(m, W)`` by task and clip."""
Part = tuple[Sequence[Clip], Tables]
"""The clips of a data set, and its labels."""


def annotated_frames(labels: Tables) -> dict[str, int]:
    """Per clip, rows with a label of any task, summed over tasks: what folds are balanced by."""
    counts: dict[str, int] = {}
    for task, table in labels.items():
        for clip, rows in table.items():
            counts[clip] = counts.get(clip, 0) + int(TASKS[task].marks(rows).any(axis=1).sum())
    return counts


@dataclass(frozen=True)
class Pool:
    """Everything that may be trained on.

    Attributes:
        own: clips of the experiment's data set.
        joined: training clips of the others, by the names that they go by here.
        labels: of all of them, by task and name.
    """

    own: Sequence[Clip]
    joined: Mapping[str, Clip]
    labels: Tables

    def fold(self, settings: FoldSettings, name: str) -> Fold:
        """Both sides of a fold; ``ValueError`` as ``folds.split``.

        A joined clip of a recording that is held out stays away: data sets share recordings.
        """
        splits = joint_splits(self.own, list(self.labels))
        fold = split(self.own, splits, settings, name, annotated_frames(self.labels))
        held = {*fold.validation}
        held_out = {clip.recording for clip in self.own if clip.id in held}
        shared = [one for one, clip in self.joined.items() if clip.recording in held_out and not clip.stills]
        notes = [f"{one}: left out, its recording is on the validation side" for one in shared]
        joining = sorted(self.joined.keys() - {*shared})
        for dataset, names in groupby(joining, key=lambda one: one.partition("/")[0]):
            notes.append(f"{dataset}: {len([*names])} clips join the training side")
        train = [*fold.train, *joining]
        return replace(fold, train=train, notes=[*fold.notes, *notes])

    @cached_property
    def stills(self) -> frozenset[str]:
        """Names of the bundles of stills."""
        named = {**{clip.id: clip for clip in self.own}, **self.joined}
        return frozenset(name for name, clip in named.items() if clip.stills)


def pool_of(own: Part, extra: Mapping[str, Part], tasks: Collection[str]) -> Pool:
    """The pool of ``tasks``.

    Args:
        extra: by name of the data set.
    """
    joined: dict[str, Clip] = {}
    labels = {task: dict(own[1].get(task, {})) for task in tasks}
    for dataset, (clips, tables) in extra.items():
        splits = joint_splits(clips, tasks)
        names = {clip.id: f"{dataset}/{clip.id}" for clip in clips if splits.get(clip.id) == "train"}
        joined |= {names[clip.id]: clip for clip in clips if clip.id in names}
        for task in tasks:
            rows = tables.get(task, {})
            labels[task] |= {name: rows[clip] for clip, name in names.items() if clip in rows}
    return Pool(own[0], joined, labels)


def home_of(name: str, home: str, extra: Collection[str]) -> tuple[str, str]:
    """The data set of a clip, and what the clip is called there.

    Args:
        home: the experiment's own data set. extra: those that join it.
    """
    dataset, _, clip = name.partition("/")
    return (dataset, clip) if dataset in extra else (home, name)


def part_of(fold: Fold, dataset: str, home: str, extra: Collection[str]) -> Fold | None:
    """The clips of one data set in a fold, by their own names; ``None`` where it has no part in it.

    Args:
        home, extra: as in ``home_of``.
    """
    if dataset not in (home, *extra):
        return None
    sides = ([home_of(name, home, extra) for name in side] for side in (fold.train, fold.validation))
    train, validation = ([clip for of, clip in side if of == dataset] for side in sides)
    return Fold(train, validation)
