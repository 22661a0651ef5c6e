"""Recordings as a laboratory keeps them, with tables: ``clips.csv``, ``ratings.csv`` (10 Hz), ``phases.csv``.

Hard cases: columns and classes under names of their own; another separator; recordings of one file name in the folders
of several people, and people in several recordings; two people in one recording; clips without crops; ratings in no
order, some of them twice, some marked ``NA``, some after the last picture; phases that leave frames out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from abaw_pipeline.demo import affwild2, cast
from abaw_pipeline.demo.cast import Person, Recording
from abaw_pipeline.demo.performance import Part, perform
from abaw_pipeline.demo.shape import Seconds, Shape
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.types import SPLITS

RATING_HZ = 10
"""Ratings a second, as of the frames of no recording."""
PHASES = ("neutral", "angry", "disgusted", "afraid", "happy", "sad", "surprised", "mixed")
"""What the table calls the expressions."""
PARTITIONS = {"train": "training", "val": "development", "test": "test"}
_TAKES = 2
"""Recordings of one person, at most."""
_LATE_S = 0.5
"""Ratings go on after the last picture for so long."""

Row = Sequence[object]


def _plan(clips: int, seed: int, seconds: Seconds) -> list[Recording]:
    """The usual cast under other names: ``batch`` is the person whose recording it is."""
    found: list[Recording] = []
    people = 0
    recordings = cast.plan(clips, seed, seconds)
    for split in SPLITS:
        for take, recording in enumerate(recording for recording in recordings if recording.split == split):
            people += take % _TAKES == 0
            found.append(_renamed(recording, f"P{people:02d}", f"take{take % _TAKES + 1}"))
    return found


def _renamed(recording: Recording, who: str, take: str) -> Recording:
    pair = len(recording.people) == 2
    seats = [f"{who}-{take}{'ab'[seat] if pair else ''}" for seat in range(len(recording.people))]
    people = [replace(person, clip=person.clip and name) for person, name in zip(recording.people, seats, strict=True)]
    return replace(recording, name=take, batch=who, people=tuple(people))


def _video(root: Path, recording: Recording) -> Path:
    return root / "videos" / recording.batch / f"{recording.name}.mp4"


def _crop(root: Path, clip: str, number: int) -> Path | None:
    """Second takes have none: their faces are looked for."""
    return None if "take2" in clip else root / "faces" / clip / f"{number:05d}.jpg"


def _annotate(root: Path, recordings: Sequence[Recording], seed: int) -> None:
    rng = np.random.default_rng(np.random.SeedSequence([seed, 40_000]))
    clips: list[Row] = []
    ratings: list[Row] = []
    phases: list[Row] = []
    for recording in recordings:
        for seat, (person, part) in enumerate(zip(recording.people, perform(recording, seed), strict=True)):
            if person.clip is None:
                continue
            clips.append(_clip_row(root, recording, person.clip, seat))
            if recording.split == "test":
                affwild2.write_labels(root, "test", person.clip, {task: part.labels[task] for task in ("va", "expr")})
            else:
                ratings += _ratings(recording, person, part)
                phases += _phases(recording, person.clip, part.labels["expr"][:, 0])
    ratings = [ratings[i] for i in rng.permutation(len(ratings))]
    twice = [ratings[i] for i in rng.choice(len(ratings), 3)]
    _write(root / "clips.csv", ("id", "person", "file", "crops", "partition", "seat"), clips)
    _write(root / "ratings.csv", ("video", "seconds", "Valence", "Arousal"), [*ratings, *twice], ";")
    _write(root / "phases.csv", ("video", "from", "to", "phase"), phases)
    for task in ("va", "expr"):
        affwild2.write_sample(root, TASKS[task], affwild2.sample_rows(recordings, seed))


def _clip_row(root: Path, recording: Recording, clip: str, seat: int) -> Row:
    file = _video(root, recording).relative_to(root)
    crop = _crop(root, clip, 1)
    crops = crop.parent.relative_to(root) if crop else ""
    side = ("left", "right")[seat] if len(recording.people) == 2 else ""
    return clip, recording.batch, file, crops, PARTITIONS[recording.split], side


def _ratings(recording: Recording, person: Person, part: Part) -> Iterator[Row]:
    """A row every tenth of a second, ``NA`` where the frame shown then is not annotated."""
    times = np.arange(0, recording.seconds + _LATE_S, 1 / RATING_HZ)
    felt = part.emotion.at(times)
    known = TASKS["va"].annotated(part.labels["va"])
    for time, valence, arousal in zip(times, felt.valence, felt.arousal, strict=True):
        rated = known[min(int(time * recording.rate), len(known) - 1)]
        values = (f"{valence:.4f}", f"{arousal:.4f}") if rated else ("NA", "NA")
        yield person.clip, f"{time:.1f}", *values


def _phases(recording: Recording, clip: str, classes: np.ndarray) -> Iterator[Row]:
    """A row for every run of frames of one expression; frames that nobody annotated are in none."""
    starts = np.flatnonzero(np.diff(classes, prepend=np.nan) != 0)
    for start, end in zip(starts, [*starts[1:], len(classes)], strict=True):
        if classes[start] != TASKS["expr"].missing:
            times = (f"{float(frame / recording.rate):.3f}" for frame in (int(start), int(end)))
            yield clip, *times, PHASES[int(classes[start])]


def _write(path: Path, header: Row, rows: Iterable[Row], separator: str = ",") -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=separator, lineterminator="\n").writerows([header, *rows])


SHAPE = Shape(_plan, _video, _crop, _annotate)
