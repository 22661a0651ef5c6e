"""Recordings and folders of face crops: what the clips of a data set are made of, where labels lie apart from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from abaw_pipeline.datasets.base import STAGE, DataSet, some
from abaw_pipeline.datasets.names import person, stated_rate
from abaw_pipeline.datasets.places import Paths, doubtful, files_in, folders_in, given_folders
from abaw_pipeline.datasets.settings import MaterialSettings
from abaw_pipeline.datasets.tables import read_tables
from abaw_pipeline.types import Clip, Skipped, Split

Splits = defaultdict[str, dict[str, set[Split]]]
"""Splits by clip and task; more than one of a task is refused."""


@dataclass(frozen=True)
class Material:
    """What lies in the folders of a data set."""

    videos: Paths
    crops: Paths

    def clip(self, clip: str, known: Set[str], splits: Mapping[str, Set[Split]], rate: float | None) -> Clip | str:
        """The clip, or what is wrong with it.

        Args:
            known: every clip id of the data set (see ``names.person``).
            splits: by task, one each.
            rate: frames a second of a clip without a recording whose name does not state it.
        """
        recording, side = person(clip, known)
        video = self.videos.get(clip) or self.videos.get(recording) or []
        pictures = self.crops.get(clip, [])
        if fault := doubtful({"recordings": video, "crop folders": pictures}):
            return fault
        if not video and not pictures:
            return f"neither a recording '{recording}' nor a crop folder '{clip}' in the data set's folders"
        return Clip(
            id=clip,
            recording=recording,
            video=str(video[0]) if video else None,
            crops=str(pictures[0]) if pictures else None,
            rate=None if video else stated_rate(recording) or rate,
            side=side,
            splits={task: next(iter(found)) for task, found in sorted(splits.items())},
        )


def find_material(settings: MaterialSettings, root: Path, where: str) -> Material:
    """What lies in the folders that the settings name.

    Raises:
        ValueError: a folder is missing that is not one of the default's.
    """
    recordings = files_in(given_folders(settings, "recordings", root, where))
    return Material(recordings, folders_in(given_folders(settings, "crops", root, where)))


def add_clips(
    found: DataSet,
    splits: Splits,
    faults: Mapping[str, str],
    settings: MaterialSettings,
    root: Path,
    where: str,
    material: Material | None = None,
) -> None:
    """Add labels from tables and every clip that has a split or crops; those that are unusable to ``skipped``.

    Args:
        found: with the labels that were read so far; those of skipped clips go.
        splits: of the clips that are known so far; clips that are in more than one split of a task are refused.
        faults: what is wrong with the labels of clips.
        material: what clips are made of, where ``find_material`` does not find it.

    Raises:
        ValueError: see ``find_material`` and ``tables.read_tables``.
    """
    material = material or find_material(settings, root, where)
    names = {*splits, *material.crops, *material.videos}
    for task, table in read_tables(settings, root, splits, names, where).items():
        found.labels[task] = table.rows
        for clip, split in table.splits.items():
            splits[clip].setdefault(task, set()).add(split)
    found.refused += leaks(splits, where)
    known = set(splits) | set(material.crops)
    for clip in sorted(known):
        made = material.clip(clip, known, splits[clip], settings.rate)
        if clip in faults or isinstance(made, str):
            found.skipped.append(Skipped(clip, STAGE, faults.get(clip) or str(made)))
        else:
            found.clips.append(made)
    kept = {clip.id for clip in found.clips}
    found.labels = {
        task: {clip: rows for clip, rows in table.items() if clip in kept} for task, table in found.labels.items()
    }


def leaks(splits: Splits, where: str) -> list[str]:
    """One line where clips stand in more than one split of a task."""
    found = [
        f"{clip} ({task}: {', '.join(sorted(several))})"
        for clip, tasks in sorted(splits.items())
        for task, several in tasks.items()
        if len(several) > 1
    ]
    return [f"{where}: clips in more than one split of a task, remove all but one: {some(found)}"] if found else []
