"""Recordings and folders of face crops: what the clips of a data set are made of, where labels lie apart from them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from abaw_pipeline.datasets.base import STAGE, VIDEO_SUFFIXES, DataSet, need_folder, some
from abaw_pipeline.datasets.names import person, stated_rate
from abaw_pipeline.datasets.settings import MaterialSettings
from abaw_pipeline.datasets.tables import read_tables
from abaw_pipeline.types import Clip, Skipped, Split

Paths = dict[str, list[Path]]
"""Places by clip id or recording name; more than one is reported, not chosen from."""
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
        for kind, places in (("recordings", video), ("crop folders", pictures)):
            if len(places) > 1:
                return f"{len(places)} {kind} of one name, keep one: {some([str(place) for place in places])}"
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
    recordings = _videos(_given(settings, "recordings", root, where))
    return Material(recordings, _folders(_given(settings, "crops", root, where)))


def add_clips(
    found: DataSet, splits: Splits, faults: Mapping[str, str], settings: MaterialSettings, root: Path, where: str
) -> None:
    """Add labels from tables and every clip that has a split or crops; those that are unusable to ``skipped``.

    Args:
        found: with the labels that were read so far; those of skipped clips go.
        splits: of the clips that are known so far; clips that are in more than one split of a task are refused.
        faults: what is wrong with the labels of clips.

    Raises:
        ValueError: see ``find_material`` and ``tables.read_tables``.
    """
    found.refused += leaks(splits, where)
    material = find_material(settings, root, where)
    names = {*splits, *material.crops, *material.videos}
    for task, table in read_tables(settings, root, splits, names, where).items():
        found.labels[task] = table.rows
        for clip, split in table.splits.items():
            splits[clip][task] = {split}
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


def _given(settings: MaterialSettings, key: str, root: Path, where: str) -> list[Path]:
    """The folders of a setting; only those of its default may be missing."""
    usual = type(settings).model_fields[key].default
    folders = [(name, root / name) for name in getattr(settings, key)]
    wanted = [folder for name, folder in folders if name not in usual or folder.is_dir()]
    return [need_folder(folder, f"{where}.{key}") for folder in wanted]


def _folders(places: list[Path]) -> Paths:
    """Crop folders by clip id."""
    found: Paths = defaultdict(list)
    for place in places:
        for entry in sorted(os.scandir(place), key=lambda entry: entry.name):
            if entry.is_dir() and not entry.name.startswith("."):
                found[entry.name].append(place / entry.name)
    return found


def _videos(places: list[Path]) -> Paths:
    """Recordings by name without suffix."""
    found: Paths = defaultdict(list)
    for place in places:
        for path in sorted(place.iterdir()):
            if path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith("."):
                found[path.stem].append(path)
    return found
