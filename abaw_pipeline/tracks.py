"""The tracks of the challenges: which tasks a submission file holds, and what its first line says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from abaw_pipeline.tasks import TASKS, Task

TrackName = Literal["va", "expr", "au", "ce", "mtl", "eri", "emi"]


@dataclass(frozen=True)
class Track:
    """One track.

    Attributes:
        tasks: what is predicted, in the order of a row's values: after the row's name come the values of the first task
            (one number for a class, else one per column), then those of the next.
        header: first line of a submission file. Files are read by position: not every header names every value.
        suffix: of the file that is sent.
    """

    name: TrackName
    tasks: tuple[str, ...]
    header: str
    suffix: str = ".txt"

    @property
    def parts(self) -> tuple[Task, ...]:
        return tuple(TASKS[name] for name in self.tasks)

    @property
    def width(self) -> int:
        """Values of a row, after its name."""
        return sum(task.width for task in self.parts)

    @property
    def owners(self) -> tuple[Task, ...]:
        """The task of each value of a row."""
        return tuple(task for task in self.parts for _ in range(task.width))

    @cached_property
    def level(self) -> Literal["frame", "clip"]:
        """A row per ``frame`` (``clip/00001.jpg``), or one per ``clip``, named as in the sample file."""
        return self.parts[0].level


def _single(name: TrackName, first: str, suffix: str = ".txt") -> Track:
    return Track(name, (name,), f"{first},{','.join(TASKS[name].columns)}", suffix)


TRACKS: dict[str, Track] = {
    "va": _single("va", "image_location"),
    "expr": _single("expr", "image_location"),
    "au": _single("au", "image_location"),
    "ce": _single("ce", "image_location"),
    "mtl": Track("mtl", ("va", "expr", "au"), "image,valence,arousal,expression,aus"),
    "eri": _single("eri", "File_ID", ".csv"),
    "emi": _single("emi", "Filename", ".csv"),
}
