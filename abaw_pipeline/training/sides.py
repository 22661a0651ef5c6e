"""One side of a fold in memory: features of its clips one after the other, with their labels.

Shape letters: n frames of a clip, r label rows of a clip, k rows of a clip that stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.aligned import Aligned, unlabelled
from abaw_pipeline.training.labelled import Labelled, Labels
from abaw_pipeline.training.moments import Moments
from abaw_pipeline.training.resident import pack
from abaw_pipeline.training.samples import gap_of, join_features, kept_frames, nearest, sequences
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.types import FrameTable


def load_side(
    aligned: Mapping[str, Aligned],
    read: Callable[[str], list[FrameTable]],
    widths: Sequence[int],
    settings: ExperimentSettings,
    training: bool,
) -> tuple[Labelled, Moments]:
    """Read the features of one side, with the statistics of its valid rows.

    Label rows beyond the last frame are frames of their own in training, and repeated predictions in validation, as
    they are in a submission. In training, frames may leave the sequence with their labels (``gap: drop``,
    ``unlabelled: drop``); in validation, a frame that left takes the prediction of the nearest one that stayed. A still
    is a sequence of its own; one without any feature teaches nothing, and is predicted all the same.

    Args:
        aligned: labels on frames by clip, at least one clip.
        read: the features of a clip, in order.
        widths: dimension of each feature.
    """
    moments, side = Moments(widths), _Side(list(settings.targets), settings, training)

    def joined() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for clip, one in progress(aligned.items(), "read features", total=len(aligned)):
            tables = read(clip)
            moments.add(tables)
            values, known = join_features(tables, gap_of(settings.gap, one.stills), clip)
            picks = side.add(one, known)
            if len(picks) < len(values) or one.extra:
                values, known = values[picks], known[picks]
            yield from sequences(values, known, one.stills)

    most = sum(len(one.rows) if training else one.frames for one in aligned.values())
    return Labelled(pack(joined(), most, widths), side.labels()), moments


@dataclass
class _Side:
    """Labels of clip after clip, on the rows of the long table."""

    names: list[str]
    settings: ExperimentSettings
    training: bool
    _rows: dict[str, list[np.ndarray]] = field(default_factory=dict)
    _values: dict[str, list[np.ndarray]] = field(default_factory=dict)
    _marks: dict[str, list[np.ndarray]] = field(default_factory=dict)
    _frames: int = 0
    _clips: int = 0

    def add(self, one: Aligned, known: np.ndarray) -> np.ndarray:
        """Take the next clip; returns its frames that go into the table, ``(k,)``.

        Args:
            known: ``(n, F)``, see ``join_features``.
        """
        stays = self._stays(one, known)
        if self.training:
            stays = stays[one.rows]
            wanted = np.flatnonzero(stays & self._wanted(one))
            chosen = wanted if len(wanted) else np.flatnonzero(stays)
            picks, places = one.rows[chosen], np.arange(len(chosen))
        else:
            chosen, picks = np.arange(len(one.rows)), np.flatnonzero(stays)
            places = (np.cumsum(stays) - 1)[nearest(stays)][one.rows]
        for name in self.names:
            self._take(name, one, chosen, places)
        self._frames, self._clips = self._frames + len(picks), self._clips + (len(picks) if one.stills else 1)
        return picks

    def _stays(self, one: Aligned, known: np.ndarray) -> np.ndarray:
        """Frames that may be part of the sequence, bool ``(n,)``."""
        if not one.stills:
            return kept_frames(known, self.settings.gap)
        seen = known.any(axis=1)
        return seen if self.training and seen.any() else np.ones(len(known), bool)

    def _wanted(self, one: Aligned) -> np.ndarray:
        """Rows that the sequence of a training clip is made of; all of them where no row of it is annotated."""
        every = np.ones(len(one.rows), bool)
        if self.settings.unlabelled == "keep" or TASKS[self.names[0]].level == "clip":
            return every
        labelled = np.any([labels.marks.any(axis=1) for labels in one.tasks.values()], axis=0)
        return labelled if labelled.any() else every

    def _take(self, name: str, one: Aligned, chosen: np.ndarray, places: np.ndarray) -> None:
        found = one.tasks.get(name) or unlabelled(name, len(one.rows))
        per_clip = TASKS[name].level == "clip"
        rows = np.array([self._clips]) if per_clip else self._frames + places
        part = slice(None) if per_clip else chosen
        self._rows.setdefault(name, []).append(rows)
        self._values.setdefault(name, []).append(found.values[part])
        self._marks.setdefault(name, []).append(found.marks[part])

    def labels(self) -> dict[str, Labels]:
        return {
            name: Labels(*(np.concatenate(part[name]) for part in (self._rows, self._values, self._marks)))
            for name in self.names
        }
