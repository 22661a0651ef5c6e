"""What is predicted: columns, ranges, missing marks, and how the organisers write it down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Task:
    """One track.

    Attributes:
        columns: names of the predicted values, in the organisers' order.
        header: first line of an annotation file.
        sample_header: first line of a submission file.
        kind: ``values`` (floats in [-1, 1]), ``class`` (one integer) or ``labels`` (0/1 per column).
        missing: the mark of a row (or value) that nobody annotated.
        folders: spellings of the annotation folder.
    """

    name: str
    columns: tuple[str, ...]
    header: str
    sample_header: str
    kind: str
    missing: float
    folders: tuple[str, ...]

    @property
    def width(self) -> int:
        """Numbers per annotation row: one for a class, else one per column."""
        return 1 if self.kind == "class" else len(self.columns)

    def annotated(self, rows: np.ndarray) -> np.ndarray:
        """Which rows of ``(n, width)`` labels are annotated in every value; bool ``(n,)``."""
        return np.all(rows != self.missing, axis=1) & np.all(np.isfinite(rows), axis=1)


_VA = ("valence", "arousal")
_EXPR = ("Neutral", "Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise", "Other")
_AU = tuple(f"AU{n}" for n in (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26))


def _task(name: str, columns: tuple[str, ...], kind: str, missing: float, folders: tuple[str, ...]) -> Task:
    header = ",".join(columns)
    return Task(name, columns, header, f"image_location,{header}", kind, missing, folders)


TASKS: dict[str, Task] = {
    "va": _task("va", _VA, "values", -5.0, ("VA_Estimation_Challenge",)),
    "expr": _task("expr", _EXPR, "class", -1.0, ("EXPR_Classification_Challenge", "EXPR_Recognition_Challenge")),
    "au": _task("au", _AU, "labels", -1.0, ("AU_Detection_Challenge",)),
}
