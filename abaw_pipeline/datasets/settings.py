"""What the settings of every data set hold, and of every one with crops; those of Aff-Wild2 and of plain recordings.

The settings of other data sets stand in the files of their adapters; ``registry.py`` joins them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from abaw_pipeline.datasets.base import VIDEO_SUFFIXES
from abaw_pipeline.strict import Strict, nearest
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TrackName

TaskName = Literal["va", "expr", "au"]
BadClip = Literal["skip", "stop"]
SETS = {"Train_Set": "train", "Validation_Set": "val"}
"""Folder of Aff-Wild2's annotations to split."""


class GenerateSettings(Strict):
    """The built-in corpus in the layout of the adapter, written to ``root`` where nothing lies there yet."""

    clips: int = Field(default=24, ge=1)
    seed: int = 0


class LabelledSettings(Strict):
    """A data set with labels. Every path is taken relative to ``root``."""

    root: str
    generate: GenerateSettings | None = None
    """Not read by the adapter: the workflow writes the built-in corpus where ``root`` is missing."""
    tables: dict[str, str] = {}
    """By task a CSV of labels: ``clip``, ``frame`` (from 1; not where there is one label per clip), the task's columns
    (of classes one, named as the task: number or name of the class), and perhaps ``split``."""
    samples: dict[TrackName, str] = {}
    """The organisers' sample submission per track: its rows are the rows that are written."""
    truth: str | None = None
    """Folder of the test clips' hidden truth, where it is known (made-up data), a folder or a file per track; the
    report alone reads it."""
    rate: Annotated[float, Field(gt=0)] | None = None
    """Frames a second of clips without a recording whose name does not state it."""
    on_bad_clip: BadClip = "skip"
    """``skip``: report a bad clip and go on without it. ``stop``: stop, after every clip was looked at."""

    @property
    def own(self) -> list[str]:
        """Tasks whose labels are read as the data set's makers write them."""
        return []

    @property
    def labelled(self) -> list[str]:
        """Tasks that the data set has labels of."""
        return [*self.own, *self.tables]

    @property
    def watched(self) -> list[str]:
        """Files, and folders whose direct entries count, by which a change of the raw data is noticed."""
        return [*self.samples.values(), *self.tables.values()]

    @model_validator(mode="after")
    def _tables_are_of_tasks(self) -> LabelledSettings:
        for name in self.tables:
            if name not in TASKS:
                raise ValueError(f"tables: no task '{name}'{nearest(name, TASKS)}")
            if name in self.own:
                raise ValueError(f"tables: '{name}' is also under 'tasks'; keep one of them")
        return self


class MaterialSettings(LabelledSettings):
    """A data set of recordings, of face crops, or of both."""

    recordings: list[str] = ["batch1", "batch2", "batch3"]
    """Folders of recordings. Those of the default may be missing; any other must be there."""
    crops: list[str] = ["cropped_aligned", "cropped_aligned_new_50_vids"]
    """Folders of official face crops, one folder per clip; the same rule."""

    @property
    def watched(self) -> list[str]:
        return [*super().watched, *self.recordings, *self.crops]


class Affwild2Settings(MaterialSettings):
    """A folder laid out like Aff-Wild2."""

    adapter: Literal["affwild2"]
    tasks: list[TaskName] = ["va"]
    """Tasks whose annotations are read as the organisers write them."""
    annotations: str = "."
    """The folder that holds ``VA_Estimation_Challenge`` and its sisters."""
    test_lists: dict[TaskName, str] = {}
    """The organisers' list of test clips per task, one id per line."""

    @property
    def own(self) -> list[str]:
        return [*self.tasks]

    @property
    def watched(self) -> list[str]:
        folders = [folder for task in self.tasks for folder in TASKS[task].folders]
        sets = [f"{self.annotations}/{folder}/{name}" for folder in folders for name in SETS]
        return [*super().watched, *sets, *self.test_lists.values()]


class RecordingsSettings(Strict):
    """Plain recordings without labels."""

    adapter: Literal["recordings"]
    root: str | None = None
    """Folder of recordings; with ``files``, the folder their names are relative to."""
    files: list[str] = []
    """These files instead of every recording in ``root``."""
    suffixes: list[str] = list(VIDEO_SUFFIXES)
    """What counts as a recording in ``root``, upper or lower case."""
    on_bad_clip: BadClip = "skip"

    @model_validator(mode="after")
    def _some_place(self) -> RecordingsSettings:
        if self.root is None and not self.files:
            raise ValueError("give 'root' (a folder of recordings) or 'files'")
        return self

    @property
    def labelled(self) -> list[str]:
        """No labels, so no task can be trained on it."""
        return []

    @property
    def samples(self) -> dict[str, str]:
        """No sample file, so no submission is written for it."""
        return {}

    @property
    def watched(self) -> list[str]:
        return self.files or ["."]
