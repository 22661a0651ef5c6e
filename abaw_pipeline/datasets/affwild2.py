"""Aff-Wild2: recordings in batches, official crops, annotations per task, test lists and sample files.

Labels of other tasks come in tables. Any part may be missing but labels: crops and annotations alone do for visual
features.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from abaw_pipeline.datasets.base import DataSet, need_file, need_folder
from abaw_pipeline.datasets.labels import read_clip_list, read_label_file
from abaw_pipeline.datasets.material import Splits, add_clips
from abaw_pipeline.datasets.names import clip_id
from abaw_pipeline.datasets.samples import read_sample_file
from abaw_pipeline.datasets.settings import SETS, Affwild2Settings
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.tracks import TRACKS


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
    found = DataSet(samples=samples, files=files)
    found.labels, faults = _read_labels(files)
    add_clips(found, splits, faults, settings, root, where)
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


def _annotated(settings: Affwild2Settings, root: Path, where: str) -> tuple[Splits, dict[str, dict[str, Path]]]:
    """Splits by clip and task, and annotation files by task and clip."""
    splits: Splits = defaultdict(dict)
    files: dict[str, dict[str, Path]] = {}
    for task in settings.tasks:
        folder = annotation_folder(settings, root, TASKS[task], where)
        sets = {split: folder / name for name, split in SETS.items() if (folder / name).is_dir()}
        if not sets:
            raise ValueError(f"{where}.annotations: {folder} holds neither {' nor '.join(SETS)}")
        files[task] = {}
        for split, place in sets.items():
            for path in sorted(place.glob("[!.]*.txt")):
                splits[clip_id(path.stem)].setdefault(task, set()).add(split)
                files[task][clip_id(path.stem)] = path
    return splits, files


def _test_clips(settings: Affwild2Settings, root: Path, samples: dict[str, Path], where: str) -> dict[str, set[str]]:
    """Test clips by task: those of its test list and those its sample file asks for."""
    tests: dict[str, set[str]] = defaultdict(set)
    for task, name in settings.test_lists.items():
        tests[task].update(read_clip_list(need_file(root / name, f"{where}.test_lists.{task}")))
    for sampled, path in samples.items():
        tests[sampled].update(clip for clip, _ in read_sample_file(path, TRACKS[sampled]))
    return tests


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
