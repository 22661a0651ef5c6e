"""Where s-Aff-Wild2 keeps things: one annotation file per split, crops of annotated frames alone.

Hard cases beside those of Aff-Wild2: clips without a recording; tasks that nobody annotated in a row that others did;
rows that stand twice; rows of one frame that contradict each other; sample rows that end in a comma; a validation file
with a byte order mark and Windows line ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from abaw_pipeline.demo.affwild2 import crop_path
from abaw_pipeline.demo.cast import Recording, plan
from abaw_pipeline.demo.performance import perform, stream
from abaw_pipeline.demo.shape import Shape
from abaw_pipeline.demo.texts import label_number
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS

_TRACK = TRACKS["mtl"]
_ANNOTATED = (1, 4, 8, 12)
"""Frame numbers modulo 16 that are annotated: a quarter of them, unevenly."""
_LACKING = 0.12
"""Share of rows in which a task is not annotated, of each task on its own."""
_TWICE, _CONTRADICTED = 23, 41
"""One row in so many stands twice, or is contradicted by another."""

_EXPR = TASKS["va"].width
"""Where the expression stands among the values of a row."""

Row = tuple[str, np.ndarray]
"""Name of a crop, and the values ``(15,)`` of its frame."""


def _video(root: Path, recording: Recording) -> Path | None:
    """Every third clip has crops alone."""
    return root / recording.batch / f"{recording.name}.mp4" if recording.index % 3 else None


def _crop(root: Path, clip: str, number: int) -> Path | None:
    return crop_path(root, clip, number) if number % 16 in _ANNOTATED else None


def _annotate(root: Path, recordings: Sequence[Recording], seed: int) -> None:
    order = np.random.default_rng(np.random.SeedSequence([seed, 20_000])).permutation(len(recordings))
    shuffled = [recordings[i] for i in order]
    rows = {split: list(_rows(shuffled, split, seed)) for split in ("train", "val", "test")}
    _write(root / "training_set_annotations.txt", _doubled(rows["train"]))
    _write(root / "validation_set_annotations.txt", _doubled(rows["val"]), encoding="utf-8-sig", newline="\r\n")
    _write(root / "truth" / f"mtl{_TRACK.suffix}", rows["test"])
    dummies = [(name, np.zeros(_TRACK.width)) for name, _ in rows["test"]]
    _write(root / "sample_submission" / f"mtl{_TRACK.suffix}", dummies, end=",")


def _rows(recordings: Sequence[Recording], split: str, seed: int) -> Iterator[Row]:
    """The annotated frames of a split, clip by clip; the last row of a clip is one of them."""
    for recording in (recording for recording in recordings if recording.split == split):
        for seat, (person, part) in enumerate(zip(recording.people, perform(recording, seed), strict=True)):
            labels = _thinned(stream(seed, recording, 6, seat), part.labels)
            for number in range(1, len(labels) + 1) if person.clip else ():
                if number % 16 in _ANNOTATED or number == len(labels):
                    yield f"{person.clip}/{number:05d}.jpg", labels[number - 1]


def _thinned(rng: np.random.Generator, labels: dict[str, np.ndarray]) -> np.ndarray:
    """All tasks side by side, ``(rows, 15)``, some of them not annotated in some rows."""
    parts = []
    for task in _TRACK.parts:
        values = labels[task.name].astype(float)
        values[rng.random(len(values)) < _LACKING] = task.missing
        parts.append(values)
    return np.concatenate(parts, axis=1)


def _doubled(rows: Sequence[Row]) -> list[Row]:
    """The rows of a file, some of them twice, and some with another that gives another expression."""
    told = [(name, values) for name, values in rows if values[_EXPR] != TASKS["expr"].missing]
    others = {name: _other_expression(values) for name, values in told[::_CONTRADICTED]}
    found: list[Row] = []
    for at, (name, values) in enumerate(rows):
        found += [(name, values)] * (2 if at % _TWICE == 1 else 1)
        if name in others:
            found.append((name, others[name]))
    return found


def _other_expression(values: np.ndarray) -> np.ndarray:
    other = values.copy()
    other[_EXPR] = (other[_EXPR] + 1) % len(TASKS["expr"].columns)
    return other


def _write(path: Path, rows: Iterable[Row], end: str = "", encoding: str = "utf-8", newline: str = "\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [_TRACK.header, *(f"{name},{','.join(map(label_number, values))}{end}" for name, values in rows)]
    path.write_text("\n".join(lines) + "\n", encoding=encoding, newline=newline)


SHAPE = Shape(plan, _video, _crop, _annotate)
