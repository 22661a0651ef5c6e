"""C-EXPR-DB with labels of a user's own: what it holds, where, and its hard cases.

Recordings of one person each, in numbered pieces as ``07``. Among the test clips are one whose name has a space and an
accent, and one of a single frame; the recordings named ``uncut`` have no face crops. Faces leave, stretches are not
annotated, and rows of the sample file are one more or fewer than frames. The table of labels writes some classes as
numbers and some as names.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from abaw_pipeline.demo.cast import RATES, Person, Recording, split_sizes
from abaw_pipeline.demo.performance import perform
from abaw_pipeline.demo.shape import Seconds, Shape
from abaw_pipeline.demo.signals import compound_expressions
from abaw_pipeline.demo.texts import label_text, sample_rows, sample_text
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS

_CE = TASKS["ce"]
_SINGLE, _UNCUT = "single", "uncut"
_SPECIAL = {"train": (_UNCUT,), "val": (), "test": ("fête ", _SINGLE)}
"""What stands before the number in the names of the first recordings of a split."""


def _plan(clips: int, seed: int, seconds: Seconds) -> list[Recording]:
    rng = np.random.default_rng(np.random.SeedSequence([seed, 30_000]))
    numbers = rng.permutation(np.arange(1, clips + 1))
    recordings: list[Recording] = []
    for split, size in split_sizes(clips).items():
        for turn, kind in enumerate((*_SPECIAL[split], *[""] * size)[:size]):
            index, rate, one = len(recordings), RATES[turn % 4], kind == _SINGLE
            clip = f"{kind}{numbers[index]:02d}"
            person = Person(clip, 0 if one else turn % 3 - 1, leaves=not one and turn % 3 == 0, gaps=turn % 2 == 1)
            length = float(1 / rate) if one else rng.uniform(*seconds)
            recordings.append(Recording(index, clip, split, rate, length, "", "equal", (person,)))
    return recordings


def _video(root: Path, recording: Recording) -> Path:
    return root / "videos" / f"{recording.name}.mp4"


def _crop(root: Path, clip: str, number: int) -> Path | None:
    return None if clip.startswith(_UNCUT) else root / "cropped_aligned" / clip / f"{number:05d}.jpg"


def _annotate(root: Path, recordings: Sequence[Recording], seed: int) -> None:
    """A table of the labels of training and validation clips; files with the hidden truth of the test clips."""
    truth, sample = root / "truth" / "ce", root / "sample_submission" / "ce.txt"
    for folder in (truth, sample.parent):
        folder.mkdir(parents=True)
    sample.write_text(sample_text(TRACKS["ce"], sample_rows(recordings, seed), commas=True), encoding="utf-8")
    with (root / "ce_labels.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["clip", "frame", "ce", "split"])
        for recording in recordings:
            labels = _labels(recording, seed)
            if recording.split == "test":
                (truth / f"{recording.name}.txt").write_text(label_text(_CE, labels), encoding="utf-8")
            else:
                cells = _cells(labels[:, 0], named=recording.index % 2 == 1)
                table.writerows(
                    [recording.name, frame, cell, recording.split] for frame, cell in enumerate(cells, start=1)
                )


def _labels(recording: Recording, seed: int) -> np.ndarray:
    """Compound expression of each row, ``(rows, 1)``; -1 where nobody annotated."""
    (person,), (part,) = recording.people, perform(recording, seed)
    felt = part.emotion.at(np.arange(recording.frames + person.extra_rows) / float(recording.rate))
    unseen = part.labels["expr"][:, 0] == TASKS["expr"].missing
    return np.where(unseen, _CE.missing, compound_expressions(felt.valence, felt.arousal))[:, None]


def _cells(labels: np.ndarray, named: bool) -> list[str]:
    """Numbers of classes, or their names and nothing where nobody annotated."""
    numbers = [int(label) for label in labels]
    return [("" if n < 0 else _CE.columns[n]) if named else str(n) for n in numbers]


SHAPE = Shape(_plan, _video, _crop, _annotate)
