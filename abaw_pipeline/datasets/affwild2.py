"""Aff-Wild2: recordings in batches, official crops, annotations per task, test lists and sample files.

Labels of other tasks come in tables. Any part may be missing but labels: crops and annotations alone do for visual
features.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import numpy as np

from abaw_pipeline.datasets.base import STAGE, VIDEO_SUFFIXES, DataSet, need_file, need_folder, some
from abaw_pipeline.datasets.labels import read_clip_list, read_label_file
from abaw_pipeline.datasets.names import person, stated_rate
from abaw_pipeline.datasets.samples import read_sample_file
from abaw_pipeline.datasets.settings import SETS, Affwild2Settings
from abaw_pipeline.datasets.tables import read_tables
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.tracks import TRACKS
from abaw_pipeline.types import Clip, Skipped, Split

Paths = dict[str, list[Path]]
"""Places by clip id or recording name; more than one is reported, not chosen from."""


def find(settings: Affwild2Settings, where: str) -> DataSet:
    """List the clips of the data set.

    Args:
        where: the settings' own key (``datasets.affwild2``), for messages.

    Returns:
        clips sorted by id, without digests; a clip whose annotation, recording or crops are unusable is in
        ``skipped`` and nowhere else.

    Raises:
        ValueError: a missing folder or file that the settings name.
    """
    root = need_folder(Path(settings.root), f"{where}.root")
    samples = {str(task): need_file(root / path, f"{where}.samples.{task}") for task, path in settings.samples.items()}
    splits, files = _annotated(settings, root, where)
    for task, clips in _test_clips(settings, root, samples, where).items():
        for clip in clips:
            splits[clip].setdefault(task, set()).add("test")
    crops = _folders(_given(settings, "crops", root, where))
    videos = _videos(_given(settings, "recordings", root, where))
    found = DataSet(samples=samples, refused=leaks(splits, where), files=files)
    found.labels, faults = _read_labels(files)
    for task, table in read_tables(settings, root, splits, {*splits, *crops, *videos}, where).items():
        found.labels[task] = table.rows
        for clip, split in table.splits.items():
            splits[clip][task] = {split}
    known = set(splits) | set(crops)
    for clip in sorted(known):
        made = _clip(clip, known, videos, crops, splits[clip], settings.rate)
        if clip in faults or isinstance(made, str):
            found.skipped.append(Skipped(clip, STAGE, faults.get(clip) or str(made)))
        else:
            found.clips.append(made)
    kept = {clip.id for clip in found.clips}
    found.labels = {
        task: {clip: rows for clip, rows in table.items() if clip in kept} for task, table in found.labels.items()
    }
    return found


def annotation_folder(settings: Affwild2Settings, root: Path, task: Task, where: str) -> Path:
    """The task's annotation folder, under either of its spellings.

    Raises:
        ValueError: neither is there, or both are.
    """
    base = need_folder(root / settings.annotations, f"{where}.annotations")
    there = [base / name for name in task.folders if (base / name).is_dir()]
    if not there:
        raise ValueError(f"{where}.annotations: no folder {base / task.folders[0]}, which task '{task.name}' needs")
    if len(there) > 1:
        raise ValueError(f"{where}.annotations: both {there[0]} and {there[1]} are there; keep one of them")
    return there[0]


def _annotated(
    settings: Affwild2Settings, root: Path, where: str
) -> tuple[defaultdict[str, dict[str, set[Split]]], dict[str, dict[str, Path]]]:
    """Splits by clip and task, and annotation files by task and clip."""
    splits: defaultdict[str, dict[str, set[Split]]] = defaultdict(dict)
    files: dict[str, dict[str, Path]] = {}
    for task in settings.tasks:
        folder = annotation_folder(settings, root, TASKS[task], where)
        sets = {split: folder / name for name, split in SETS.items() if (folder / name).is_dir()}
        if not sets:
            raise ValueError(f"{where}.annotations: {folder} holds neither {' nor '.join(SETS)}")
        files[task] = {}
        for split, place in sets.items():
            for path in sorted(place.glob("[!.]*.txt")):
                splits[path.stem].setdefault(task, set()).add(split)
                files[task][path.stem] = path
    return splits, files


def _test_clips(settings: Affwild2Settings, root: Path, samples: dict[str, Path], where: str) -> dict[str, set[str]]:
    """Test clips by task: those of its test list and those its sample file asks for."""
    tests: dict[str, set[str]] = defaultdict(set)
    for task, name in settings.test_lists.items():
        tests[task].update(read_clip_list(need_file(root / name, f"{where}.test_lists.{task}")))
    for sampled, path in samples.items():
        tests[sampled].update(clip for clip, _ in read_sample_file(path, TRACKS[sampled]))
    return tests


def leaks(splits: dict[str, dict[str, set[Split]]], where: str) -> list[str]:
    """One line where clips stand in more than one split of a task."""
    found = [
        f"{clip} ({task}: {', '.join(sorted(several))})"
        for clip, tasks in sorted(splits.items())
        for task, several in tasks.items()
        if len(several) > 1
    ]
    return [f"{where}: clips in more than one split of a task, remove all but one: {some(found)}"] if found else []


def _given(settings: Affwild2Settings, key: str, root: Path, where: str) -> list[Path]:
    """The folders of a setting; only those of its default may be missing."""
    usual = Affwild2Settings.model_fields[key].default
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


def _read_labels(files: dict[str, dict[str, Path]]) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, str]]:
    """Labels by task and clip, and what is wrong with the clips whose file cannot be read."""
    labels: dict[str, dict[str, np.ndarray]] = {}
    faults: dict[str, str] = {}
    for task, paths in files.items():
        labels[task] = {}
        for clip, path in paths.items():
            try:
                labels[task][clip] = read_label_file(path, TASKS[task])
            except (ValueError, OSError) as error:
                faults.setdefault(clip, str(error))
    return labels, faults


def _clip(
    clip: str, known: set[str], videos: Paths, crops: Paths, splits: dict[str, set[Split]], rate: float | None
) -> Clip | str:
    """The clip, or what is wrong with it."""
    recording, side = person(clip, known)
    video = videos.get(clip) or videos.get(recording) or []
    pictures = crops.get(clip, [])
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
