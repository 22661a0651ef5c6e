"""Folders of stills with a list of labels: training data beside recordings, for EXPR, AU, VA and CE.

Stills are no sequence. They come in bundles, one clip a bundle, so that a stage has hundreds of clips to look after and
not hundreds of thousands; everything after the media takes each still for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from abaw_pipeline.datasets.base import DataSet, need_folder
from abaw_pipeline.datasets.image_labels import Pictures, Still
from abaw_pipeline.datasets.image_layouts import IMAGE_LAYOUTS
from abaw_pipeline.datasets.image_rows import Places
from abaw_pipeline.datasets.settings import LabelledSettings
from abaw_pipeline.datasets.tables import label_columns
from abaw_pipeline.strict import nearest
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.types import SPLITS, Clip, Split


class ImagesSettings(LabelledSettings):
    """Pictures and their list, in one of the layouts that their makers chose, or in one of your own (``list``)."""

    adapter: Literal["images"]
    layout: Literal["rafdb", "rafdb_compound", "affectnet", "ferplus", "list"] = "list"
    list_file: str | None = None
    """The list; ``null``: where the layout has it. A ``list`` is a CSV with the column ``path``, the columns of the
    tasks (of classes one, named as the task), and perhaps ``split`` and ``group`` (folds keep a group together)."""
    images: str | None = None
    """Folder that the paths in the list are relative to; ``null``: where the layout has it."""
    tasks: list[str] = []
    """What is read; empty: everything that the layout has labels of. A ``list`` has to say."""
    columns: dict[str, str] = {}
    """Of a ``list``, what it calls the columns: ``{path: file, expr: emotion}``."""
    classes: dict[str, str | None] = {}
    """What the list calls our classes, beside what the layout knows: ``{joy: Happiness}``; ``null``: a class that we
    do not have, whose pictures are left out (as those of contempt are, until you say ``{"7": Other}``)."""
    split: Literal["train", "val", "test"] = "train"
    """Of pictures whose list has no column ``split``."""
    bundle: int = Field(default=1000, ge=1)
    """Most stills of a clip."""

    @property
    def own(self) -> list[str]:
        return self.tasks or [*IMAGE_LAYOUTS[self.layout].tasks]

    @property
    def watched(self) -> list[str]:
        given = [place for place in (self.list_file, self.images) if place is not None]
        return [*super().watched, *IMAGE_LAYOUTS[self.layout].watched, *given]

    @field_validator("classes", mode="before")
    @classmethod
    def _numbers_are_names(cls, classes: Any) -> Any:
        return {str(name): ours for name, ours in classes.items()} if isinstance(classes, dict) else classes

    @model_validator(mode="after")
    def _a_list_says_what_it_holds(self) -> ImagesSettings:
        known = IMAGE_LAYOUTS[self.layout].tasks or [name for name, task in TASKS.items() if task.level == "frame"]
        if self.tables:
            raise ValueError("tables: stills have their labels in the list alone")
        if self.layout == "list" and not (self.list_file and self.tasks):
            raise ValueError("layout 'list': give 'list_file' and 'tasks'")
        if self.layout != "list" and self.columns:
            raise ValueError(f"columns: the layout '{self.layout}' has its own; layout 'list' takes any")
        for name in self.tasks:
            if name not in known:
                raise ValueError(f"tasks: no labels of '{name}' in this layout{nearest(name, known)}")
        return self


def find(settings: ImagesSettings, where: str) -> DataSet:
    """List the bundles of stills.

    Raises:
        ValueError: a missing folder or file that the settings name; a list that is none.
    """
    root, layout = need_folder(Path(settings.root), f"{where}.root"), IMAGE_LAYOUTS[settings.layout]
    tasks = [TASKS[name] for name in settings.own]
    columns = tuple(column for task in tasks for column in label_columns(task))
    places = Places(root, where, settings.list_file, settings.images, columns, settings.columns, settings.split)
    pictures = Pictures(tasks, {**layout.classes, **settings.classes})
    for row in layout.read(places):
        pictures.take(row)
    found = DataSet(labels={task.name: {} for task in tasks}, notes=pictures.notes())
    found.refused = [f"{place}: {_unknown_class(name, where)}" for name, place in pictures.unknown.items()]
    for clip, group, split, stills in _bundles(pictures.kept.values(), settings.bundle):
        paths = tuple(str(row.picture) for row, _ in stills)
        found.clips.append(Clip(clip, clip, group=group, stills=paths, splits=dict.fromkeys(found.labels, split)))
        for task, table in found.labels.items():
            table[clip] = np.array([labels[task] for _, labels in stills], np.float32)
    return found


def _unknown_class(name: str, where: str) -> str:
    return f"no class '{name}'; say in {where}.classes which of ours it is, or null to leave such pictures out"


def _bundles(stills: Iterable[Still], most: int) -> Iterator[tuple[str, str | None, Split, list[Still]]]:
    """Name, group, split and stills of every bundle, by name.

    A group stands in one bundle, with others; one that is too large for a bundle has bundles of its own, which say
    whose they are.
    """
    for split in sorted(SPLITS):
        own = sorted((one for one in stills if one[0].split == split), key=lambda one: (one[0].group, one[0].picture))
        for number, (group, bundle) in enumerate(_packed(own, most), 1):
            yield f"{split}_{number:04d}", group, split, bundle


def _packed(stills: list[Still], most: int) -> Iterator[tuple[str | None, list[Still]]]:
    """Bundles of one split, its stills sorted by group."""
    waiting: list[Still] = []
    for _, members in groupby(stills, key=lambda one: one[0].group or str(one[0].picture)):
        people = list(members)
        if len(waiting) + len(people) > most and waiting:
            yield None, waiting
            waiting = []
        if len(people) <= most:
            waiting += people
            continue
        for start in range(0, len(people), most):
            yield people[0][0].group, people[start : start + most]
    if waiting:
        yield None, waiting
