"""Any recordings: a CSV of clips, and CSVs of labels per frame, moment, interval or clip."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import model_validator

from abaw_pipeline.datasets.base import STAGE, DataSet, Note, need_file, need_folder, some
from abaw_pipeline.datasets.clip_tables import ClipTable, Listing, places, read_listing
from abaw_pipeline.datasets.label_tables import LabelTable, read_rows
from abaw_pipeline.datasets.material import Splits, leaks
from abaw_pipeline.datasets.placing import frame_labels
from abaw_pipeline.datasets.samples import read_sample_file
from abaw_pipeline.datasets.settings import LabelledSettings
from abaw_pipeline.datasets.tables import label_columns
from abaw_pipeline.strict import nearest
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.tracks import TRACKS, Track
from abaw_pipeline.types import Skipped, Split


class TableSettings(LabelledSettings):
    """A data set that tables describe."""

    adapter: Literal["table"]
    clips: ClipTable
    labels: dict[str, LabelTable] = {}
    """By task the table of its labels."""

    @property
    def own(self) -> list[str]:
        return [*self.labels]

    @property
    def watched(self) -> list[str]:
        """Also the folders in which recordings and crop folders lie, which the table of clips tells."""
        files = [self.clips.file, *(table.file for table in self.labels.values())]
        return [*super().watched, *files, *places(self.clips, Path(self.root))]

    @model_validator(mode="after")
    def _labels_are_of_tasks(self) -> TableSettings:
        if self.tables:
            raise ValueError("tables: tables of this adapter stand under 'labels', as {file: ...}")
        for name, table in self.labels.items():
            _check_labels(name, table)
        return self


def _check_labels(name: str, table: LabelTable) -> None:
    if name not in TASKS:
        raise ValueError(f"labels: no task '{name}'{nearest(name, TASKS)}")
    task = TASKS[name]
    if task.level == "clip" and table.per != "clip":
        raise ValueError(f"labels.{name}.per: '{name}' has one label per clip; write per: clip")
    for column in table.columns:
        if column not in label_columns(task):
            raise ValueError(f"labels.{name}.columns: no '{column}'{nearest(column, label_columns(task))}")
    for label in table.classes.values():
        if task.kind != "class" or label not in task.columns:
            raise ValueError(f"labels.{name}.classes: no class '{label}'{nearest(label, task.columns)}")


def find(settings: TableSettings, where: str) -> DataSet:
    """List the clips of the data set.

    Args:
        where: the settings' own key (``datasets.mine``), for messages.

    Returns:
        clips sorted by id, without digests; a clip with an unusable row, or whose files are not there, is in
        ``skipped`` and nowhere else.

    Raises:
        ValueError: a missing folder, file or column that the settings name.
    """
    root = need_folder(Path(settings.root), f"{where}.root")
    listing = read_listing(settings.clips, root, settings.rate, f"{where}.clips")
    search = _Search(listing)
    samples = {
        str(track): need_file(root / name, f"{where}.samples.{track}") for track, name in settings.samples.items()
    }
    for track, path in samples.items():
        search.ask(TRACKS[track], path)
    for task, table in settings.labels.items():
        search.label(TASKS[task], table, need_file(root / table.file, f"{where}.labels.{task}.file"))
    search.test([*settings.labels, *(task for track in samples for task in TRACKS[track].tasks)])
    clips = [replace(listed.clip, splits=search.split(name)) for name, listed in sorted(listing.clips.items())]
    return DataSet(
        clips=[clip for clip in clips if clip.id not in search.faults],
        labels={
            task: {clip: rows for clip, rows in table.items() if clip not in search.faults}
            for task, table in search.labels.items()
        },
        samples=samples,
        skipped=[Skipped(clip, STAGE, reason) for clip, reason in sorted(search.faults.items())],
        notes=[*listing.notes, *search.notes, *_apart(listing)],
        refused=[*listing.refused, *leaks(search.splits, where), *search.unsplit],
    )


class _Search:
    """What is found of the listed clips."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.labels: dict[str, dict[str, np.ndarray]] = {}
        self.splits: Splits = defaultdict(dict)
        self.faults = dict(listing.faults)
        self.notes: list[Note] = []
        self.unsplit: list[str] = []
        self._shown = cache(_shown)

    def ask(self, track: Track, sample: Path) -> None:
        """The clips that a sample file asks for are test clips of its tasks."""
        for clip in {clip for clip, _ in read_sample_file(sample, track)}:
            if clip not in self.listing.clips:
                self.faults.setdefault(clip, f"{sample} asks for it, and {self.listing.path} does not list it")
                continue
            for task in track.tasks:
                self.splits[clip].setdefault(task, set()).add("test")

    def label(self, task: Task, table: LabelTable, path: Path) -> None:
        """Put the labels of a task on frames; a clip takes the split of the table, else that of its own row."""
        rows = read_rows(path, table, task, {*self.listing.clips, *self.listing.faults})
        self.notes += rows.notes
        self.faults = {**rows.faults, **self.faults}
        self.labels[task.name] = {}
        unsplit = []
        for name, own in rows.by_clip.items():
            if name in self.faults:
                continue
            listed = self.listing.clips[name]
            if split := rows.splits.get(name) or listed.split:
                self.splits[name].setdefault(task.name, set()).add(split)
            else:
                unsplit.append(name)
            try:
                placed = frame_labels(own, table, path, task, listed.clip, self._shown, self.notes)
                self.labels[task.name][name] = placed
            except ValueError as error:
                self.faults[name] = f"{path}: line {own[0].line}: {error}"
        if unsplit:
            self.unsplit.append(f"{path}: clips without a split, name its column under 'split': {some(unsplit)}")

    def test(self, tasks: Iterable[str]) -> None:
        """Test clips are those of every task that has no other split of them."""
        for name, listed in self.listing.clips.items():
            for task in tasks if listed.split == "test" else ():
                self.splits[name].setdefault(task, {"test"})

    def split(self, clip: str) -> dict[str, Split]:
        """A clip's splits by task."""
        return {task: next(iter(found)) for task, found in sorted(self.splits[clip].items())}


def _shown(video: str) -> np.ndarray:
    from abaw_pipeline.datasets.probe import probe  # settings are read without PyAV

    return probe(video).times


def _apart(listing: Listing) -> Iterator[Note]:
    """A note on every group whose clips stand in several splits."""
    groups: dict[str, set[Split]] = {}
    for listed in listing.clips.values():
        if listed.clip.group and listed.split:
            groups.setdefault(listed.clip.group, set()).add(listed.split)
    for group, several in sorted(groups.items()):
        if len(several) > 1:
            what = f"group '{group}' has clips in {' and '.join(sorted(several))}"
            yield Note("warning", str(listing.path), what, "only folds that are drawn keep it together")
