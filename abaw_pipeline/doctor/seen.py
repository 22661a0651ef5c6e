"""The numbers of one clip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from abaw_pipeline.doctor.measured import Measured
from abaw_pipeline.doctor.people import pattern
from abaw_pipeline.doctor.samples import Asked
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.types import Clip


@dataclass(frozen=True)
class Labels:
    """What one task's labels of a clip are like.

    Attributes:
        annotated: share of the rows that are annotated in full, in [0, 1].
        low, high: least and greatest annotated value; ``None`` where there is none.
    """

    rows: int
    annotated: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Seen:
    """One clip; ``samples`` are the rows that each track's sample file asks for, ``measured`` is ``None`` where the
    media stage would leave the clip out."""

    clip: Clip
    people: str
    measured: Measured | None
    labels: dict[str, Labels]
    samples: dict[str, int]

    @property
    def split(self) -> str:
        """The clip's split; by task where they differ; empty where it is in none."""
        splits = self.clip.splits
        if len(set(splits.values())) == 1:
            return next(iter(splits.values()))
        return ", ".join(f"{task} {split}" for task, split in splits.items())

    def numbers(self) -> Iterator[tuple[str, object]]:
        """Name and value of everything that is measured, one by one; ``None`` where there is nothing to measure."""
        seen, recording = self.measured, self.measured.recording if self.measured else None
        sound = recording if recording and recording.has_sound else None
        yield "split", self.split
        yield "people", self.people
        yield "rate", seen and seen.rate and round(seen.rate, 3)
        yield "frames", seen and seen.frames
        yield "crops", len(seen.crops) if seen and seen.crops is not None else None
        yield "crop_gap", seen.crop_gap[1] if seen and seen.crops is not None else None
        yield "sound_s", sound and round(sound.sound_s, 3)
        yield "sound_offset_s", sound and seen and round(sound_offset(seen), 3)
        for task, labels in self.labels.items():
            yield f"{task}_rows", labels.rows
            yield f"{task}_annotated", round(labels.annotated, 4)
            yield f"{task}_low", labels.low and round(labels.low, 4)
            yield f"{task}_high", labels.high and round(labels.high, 4)
        for track, rows in self.samples.items():
            yield f"{track}_sample_rows", rows


def sound_offset(seen: Measured) -> float:
    """Seconds from the first picture to the first sample of the sound; negative where the sound comes first."""
    assert seen.recording is not None
    return seen.recording.sound_start_s - float(seen.times[0])


def labels_of(task: str, rows: np.ndarray) -> Labels:
    """What label rows ``(m, W)`` are like."""
    marks = TASKS[task].marks(rows)
    known = rows[marks]
    low, high = (float(known.min()), float(known.max())) if len(known) else (None, None)
    return Labels(len(rows), float(TASKS[task].annotated(rows).mean()) if len(rows) else 0.0, low, high)


def numbers_of(
    clip: Clip,
    found: Measured | None,
    labels: Mapping[str, np.ndarray],
    samples: Mapping[str, Asked],
    together: Sequence[Clip],
) -> Seen:
    """The numbers of a clip.

    Args:
        labels: its rows by task.
        samples: its rows in the sample file of each track.
        together: every clip of its recording.
    """
    own = {task: labels_of(task, rows) for task, rows in labels.items()}
    return Seen(clip, pattern(clip, together), found, own, {track: len(rows.frames) for track, rows in samples.items()})
