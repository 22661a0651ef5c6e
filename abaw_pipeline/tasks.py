"""What is predicted: columns, ranges, missing marks, and how annotation files write it down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["values", "class", "labels", "intensities", "numbers"]


@dataclass(frozen=True)
class Task:
    """One track.

    Attributes:
        columns: names of the predicted values, in the organisers' order.
        header: first line of an annotation file; empty where the organisers have none.
        kind: ``values`` (floats in [-1, 1]), ``class`` (one integer), ``labels`` (0/1 per column), ``intensities``
            (floats in [0, 1]) or ``numbers`` (floats without bounds).
        missing: the mark of a row (or value) that nobody annotated.
        folders: spellings of the annotation folder.
        level: a label per ``frame``, or one per ``clip``.
    """

    name: str
    columns: tuple[str, ...]
    header: str
    kind: Kind
    missing: float
    folders: tuple[str, ...] = ()
    level: Literal["frame", "clip"] = "frame"

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Least and greatest value that a column may be predicted; ``None``: any number."""
        return {"values": (-1.0, 1.0), "numbers": None}.get(self.kind, (0.0, 1.0))

    @property
    def width(self) -> int:
        """Numbers per annotation row: one for a class, else one per column."""
        return 1 if self.kind == "class" else len(self.columns)

    def annotated(self, rows: np.ndarray) -> np.ndarray:
        """Which rows of ``(n, width)`` labels are annotated in every value; bool ``(n,)``."""
        return np.asarray(self.marks(rows).all(axis=1))

    def marks(self, rows: np.ndarray) -> np.ndarray:
        """Which values of ``(n, width)`` labels count; bool, same shape.

        Action units count one by one; of the other kinds a row counts whole or not at all.
        """
        known = (rows != self.missing) & np.isfinite(rows)
        return known if self.kind == "labels" else np.broadcast_to(known.all(axis=1, keepdims=True), rows.shape).copy()


_VA = ("valence", "arousal")
_EXPR = ("Neutral", "Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise", "Other")
_AU = tuple(f"AU{n}" for n in (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26))
_CE = (
    "Fearfully_Surprised",
    "Happily_Surprised",
    "Sadly_Surprised",
    "Disgustedly_Surprised",
    "Angrily_Surprised",
    "Sadly_Fearful",
    "Sadly_Angry",
)
_ERI = ("Adoration", "Amusement", "Anxiety", "Disgust", "Empathic-Pain", "Fear", "Surprise")
_EMI = ("Admiration", "Amusement", "Determination", "Empathic Pain", "Excitement", "Joy")


def _frames(name: str, columns: tuple[str, ...], kind: Kind, missing: float, *folders: str) -> Task:
    header = ",".join(columns)
    return Task(name, columns, header, kind, missing, folders)


def _clips(name: str, columns: tuple[str, ...], first: str) -> Task:
    header = f"{first},{','.join(columns)}"
    return Task(name, columns, header, "intensities", -1.0, level="clip")


TASKS: dict[str, Task] = {
    "va": _frames("va", _VA, "values", -5.0, "VA_Estimation_Challenge"),
    "expr": _frames("expr", _EXPR, "class", -1.0, "EXPR_Classification_Challenge", "EXPR_Recognition_Challenge"),
    "au": _frames("au", _AU, "labels", -1.0, "AU_Detection_Challenge"),
    "ce": _frames("ce", _CE, "class", -1.0),
    "eri": _clips("eri", _ERI, "File_ID"),
    "emi": _clips("emi", _EMI, "Filename"),
}

BUILT_IN = tuple(TASKS)


def use_tasks(own: Iterable[Task]) -> None:
    """Say for this process which tasks there are beside the built-in ones; those said before are forgotten.

    They stand in ``TASKS`` by name: parts of a network are numbered in its order, and settings do not keep one.
    """
    for name in TASKS.keys() - set(BUILT_IN):
        del TASKS[name]
    TASKS.update((task.name, task) for task in sorted(own, key=lambda task: task.name))


def own_tasks(tasks: Iterable[Task]) -> dict[str, list[object]]:
    """What is told of those tasks that are not built in, for keys: their kind, columns and level by name."""
    return {task.name: [task.kind, task.columns, task.level] for task in tasks if task.name not in BUILT_IN}
