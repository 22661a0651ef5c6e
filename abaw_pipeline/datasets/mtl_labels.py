"""Annotation files of the multi-task set: a row per annotated frame, read by position, every task valid on its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from abaw_pipeline.datasets.base import Note, some
from abaw_pipeline.datasets.labels import MOST_FRAMES, Place, allowed, dense, short, wanted
from abaw_pipeline.datasets.samples import split_name
from abaw_pipeline.runtime.text import text_lines
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.tracks import TRACKS

_TRACK = TRACKS["mtl"]
_HEADER = _TRACK.header.split(",")[:-1]
"""What the first line begins with; action units are named as one or one by one."""
_ENDS = np.cumsum([task.width for task in _TRACK.parts])
_COLUMNS = {task.name: slice(end - task.width, end) for task, end in zip(_TRACK.parts, _ENDS, strict=True)}
"""Where the values of each task stand in a row."""

_ODD: dict[str, tuple[Literal["warning", "note"], str, str]] = {
    "same": ("note", "several rows that say the same", "each frame counts once"),
    "joined": ("note", "several rows that complete each other", "they are joined"),
    "clash": ("warning", "several rows that contradict each other", "what they differ in counts as not annotated"),
    "half": ("warning", "only one of valence and arousal", "both count as not annotated"),
}
"""What frames have, by kind: rank, words, and what is done."""
Odd = tuple[str, str, int, int]
"""Clip, kind (of ``_ODD``), line and frame of an oddity."""


@dataclass
class MtlLabels:
    """What an annotation file says.

    Attributes:
        labels: by task and clip ``(rows, task.width)`` float32; row ``i`` is frame number ``i + 1``. NaN where a frame
            has no row or its rows differ, else the organisers' mark where nobody annotated.
        faults: what makes the rows of a clip unusable; such a clip has no labels.
        notes: oddities that were settled.
    """

    labels: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


@dataclass
class _Rows:
    """Rows that name a frame and hold numbers: where they stand and what they say."""

    places: list[Place] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    values: list[list[float]] = field(default_factory=list)

    def add(self, place: Place, line: int, values: list[float]) -> None:
        self.places.append(place)
        self.lines.append(line)
        self.values.append(values)


def read_mtl_labels(path: Path, tasks: Collection[str] = _TRACK.tasks) -> MtlLabels:
    """One annotation file; rows may end in a comma and stand in any order.

    Args:
        tasks: those to read.

    Raises:
        ValueError: no text, a foreign header, or no row that names a frame; names file and line.
    """
    found = MtlLabels()
    rows = _parse(path, found)
    values = np.array(rows.values).reshape(-1, _TRACK.width)
    for task in tasks:
        _check(path, rows, values[:, _COLUMNS[task]], TASKS[task], found.faults)
    places, settled, odd = _once(rows, values, tasks)
    found.notes += _notes(path, [one for one in odd if one[0] not in found.faults])
    for task in tasks:
        table = dense(places, settled[:, _COLUMNS[task]])
        found.labels[task] = {clip: own for clip, own in table.items() if clip not in found.faults}
    return found


def _parse(path: Path, found: MtlLabels) -> _Rows:
    """The rows of a file; those that hold no numbers become faults of their clips, those without a clip one note."""
    rows, strays = _Rows(), list[str]()
    for line, text in enumerate(_body(path), start=2):
        name, *cells = text.strip().rstrip(", ").split(",")
        try:
            clip, frame = split_name(name.strip(), path, line)
        except ValueError:
            strays.append(str(line))
            continue
        values = _numbers(cells)
        if values is None or frame > MOST_FRAMES:
            what = f"an image and {_TRACK.width} numbers" if values is None else f"a frame from 1 to {MOST_FRAMES}"
            found.faults.setdefault(clip, f"{path}: line {line}: '{short(text.strip())}' is not {what}")
        else:
            rows.add((clip, frame), line, values)
    if not rows.places and not found.faults:
        raise ValueError(f"{path}: line 2: no rows that name a frame ('<clip>/00001.jpg,...')")
    if strays:
        what = f"{len(strays)} rows name no frame ('<clip>/00001.jpg,...'): line {some(strays)}"
        found.notes.append(Note("warning", f"{path}: line {strays[0]}", what, "they are left out"))
    return rows


def _body(path: Path) -> list[str]:
    """The lines after the header."""
    lines = text_lines(path)
    header = lines[0].strip() if lines else ""
    if [part.strip() for part in header.split(",")][: len(_HEADER)] != _HEADER:
        raise ValueError(f"{path}: line 1: expected the header '{_TRACK.header}', found '{short(header)}'")
    return lines[1:]


def _numbers(cells: list[str]) -> list[float] | None:
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        return None
    return values if len(values) == _TRACK.width else None


def _check(path: Path, rows: _Rows, values: np.ndarray, task: Task, faults: dict[str, str]) -> None:
    """Add the clips of which a row of ``(n, task.width)`` is no label."""
    for row in np.flatnonzero(~allowed(values, task)):
        text = ",".join(f"{value:g}" for value in values[row])
        where = f"{path}: line {rows.lines[row]}"
        faults.setdefault(rows.places[row][0], f"{where}: {task.name} '{text}' is not {wanted(task)}")


def _once(rows: _Rows, values: np.ndarray, tasks: Collection[str]) -> tuple[list[Place], np.ndarray, list[Odd]]:
    """Every frame once, with its values ``(n, 15)``, and what was odd."""
    groups: dict[Place, list[int]] = {}
    for row, place in enumerate(rows.places):
        groups.setdefault(place, []).append(row)
    settled, odd = values[[own[0] for own in groups.values()]], list[Odd]()
    for at, ((clip, frame), own) in enumerate(groups.items()):
        if len(own) > 1:
            settled[at], kind = _settle(values[own])
            odd.append((clip, kind, rows.lines[own[1]], frame))
    for row in np.flatnonzero(_half(values)).tolist() if "va" in tasks else ():
        clip, frame = rows.places[row]
        odd.append((clip, "half", rows.lines[row], frame))
    return list(groups), settled, odd


def _settle(rows: np.ndarray) -> tuple[np.ndarray, str]:
    """What the rows ``(k, 15)`` of one frame say together, NaN where they differ; and the kind of oddity."""
    if (rows == rows[0]).all():
        return rows[0], "same"
    known = np.full_like(rows, np.nan)
    for task in _TRACK.parts:
        part = rows[:, _COLUMNS[task.name]]
        known[:, _COLUMNS[task.name]] = np.where(task.marks(part), part, np.nan)
    low, high = np.fmin.reduce(known), np.fmax.reduce(known)
    return np.where(low == high, low, np.nan), "clash" if (low < high).any() else "joined"


def _half(values: np.ndarray) -> np.ndarray:
    """Which rows annotate one of valence and arousal alone; bool ``(n,)``."""
    lacking = values[:, _COLUMNS["va"]] == TASKS["va"].missing
    return np.asarray(lacking.any(axis=1) & ~lacking.all(axis=1))


def _notes(path: Path, odd: list[Odd]) -> Iterator[Note]:
    """One note per clip and kind, at the line of the first."""
    together: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for clip, kind, line, frame in odd:
        together.setdefault((clip, kind), []).append((line, frame))
    for (clip, kind), found in together.items():
        rank, has, then = _ODD[kind]
        frames = some([str(frame) for _, frame in sorted(found)])
        what = f"{clip}: frame {frames} has {has}"
        yield Note(rank, f"{path}: line {min(found)[0]}", what, then, clip)
