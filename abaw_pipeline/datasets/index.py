"""The clip index: what the data set holds, in one form for every stage after it.

``clips.json`` lists the clips with the digest of their content, ``labels/<task>.npz`` holds their annotations and
``samples/<task>.txt`` the organisers' sample files. Equal data gives equal bytes.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from abaw_pipeline.datasets.base import STAGE, DataSet, some
from abaw_pipeline.datasets.contents import content_digests
from abaw_pipeline.datasets.listing import listing_digest
from abaw_pipeline.datasets.registry import ADAPTERS, DatasetSettings
from abaw_pipeline.datasets.samples import read_sample_file
from abaw_pipeline.runtime.files import atomic
from abaw_pipeline.runtime.keys import array_digest, digest, file_digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.names import escape, unescape
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS
from abaw_pipeline.types import Clip, Skipped

__all__ = [
    "build_index",
    "index_about",
    "index_entries",
    "listing_digest",
    "look",
    "read_clips",
    "read_labels",
    "read_sample",
]


def build_index(name: str, settings: DatasetSettings, layout: Layout) -> Manifest:
    """List the data set ``name`` and write its index.

    Raises:
        ValueError: missing data, no usable clip, or (with ``on_bad_clip: stop``) a bad clip.
    """
    where, found = f"datasets.{name}", look(name, settings, layout)
    if found.refused:
        raise ValueError(found.refused[0])
    if found.skipped and settings.on_bad_clip == "stop":
        reasons = [f"{row.clip}: {row.reason}" for row in found.skipped]
        raise ValueError(f"{where}.on_bad_clip is 'stop' and {len(reasons)} clips are bad: {some(reasons)}")
    if not found.clips:
        reason = f"; the first: {found.skipped[0].reason}" if found.skipped else ""
        raise ValueError(f"{where}: no usable clip, {len(found.skipped)} bad ones{reason}")
    earlier = [path.stem for path in layout.labels("x").parent.glob("*.npz")]  # of tasks that may be forgotten now
    for task in {*TASKS, *earlier}:
        _write_labels(layout.labels(task), found.labels.get(task))
    for track in TRACKS:
        _copy_sample(layout.sample(track), found.samples.get(track))
    manifest = Manifest(index_about(name, settings, found), index_entries(found), found.skipped)
    manifest.about["key"] = digest([manifest.about, manifest.clips])
    manifest.write(layout.clips)
    return manifest


def look(name: str, settings: DatasetSettings, layout: Layout) -> DataSet:
    """The data set as its folders are now, content digests filled in; writes no index.

    Raises:
        ValueError: missing data.
    """
    found = ADAPTERS[settings.adapter](settings, f"datasets.{name}")
    _fill_digests(found, layout)
    return found


def read_clips(layout: Layout) -> list[Clip]:
    """Every usable clip of a data set, sorted by id."""
    entries = Manifest.read(layout.clips, f"abaw index {layout.dataset}").clips
    return [_clip(clip, entry) for clip, entry in sorted(entries.items())]


def _clip(clip: str, entry: Mapping[str, Any]) -> Clip:
    about = {key: value for key, value in entry.items() if key not in ("labels", "notes")}
    return Clip(id=clip, **{**about, "stills": tuple(about.get("stills", ()))})


def read_labels(layout: Layout, task: str) -> dict[str, np.ndarray]:
    """Annotations by clip id, ``(rows, task.width)`` float32; row ``i`` is frame number ``i + 1``.

    Raises:
        ValueError: the data set has no annotations of this task.
    """
    path = layout.labels(task)
    if not path.is_file():
        where = f"datasets.{layout.dataset}"
        raise ValueError(f"{path}: no labels; add '{task}' to {where}.tasks or {where}.tables and run 'abaw index'")
    with np.load(path) as stored:
        return {unescape(name): stored[name] for name in stored.files}


def read_sample(layout: Layout, track: str) -> list[tuple[str, int]]:
    """Clip id and frame number of every row of the organisers' sample file, in its order.

    Raises:
        ValueError: the data set has no sample file of this track.
    """
    path = layout.sample(track)
    if not path.is_file():
        raise ValueError(f"{path}: no sample file; set datasets.{layout.dataset}.samples.{track} and run 'abaw index'")
    return read_sample_file(path, TRACKS[track])


def _fill_digests(found: DataSet, layout: Layout) -> None:
    """Give each clip the digest of its content; a clip with an unreadable part joins the skipped ones."""
    parts = [part for clip in found.clips for part in (clip.video, clip.crops, *clip.stills) if part]
    digests, errors = content_digests(parts, layout.home / "digests.json")
    clips = []
    for clip in found.clips:
        faults = [errors[part] for part in (clip.video, clip.crops, *clip.stills) if part in errors]
        if faults:
            found.skipped.append(Skipped(clip.id, STAGE, faults[0]))
            for table in found.labels.values():
                table.pop(clip.id, None)
        else:
            content: dict[str, Any] = {"video": digests.get(clip.video or ""), "crops": digests.get(clip.crops or "")}
            if clip.stills:
                content["stills"] = [digests[still] for still in clip.stills]
            clips.append(replace(clip, digest=digest(content)))
    found.clips = clips


def index_about(name: str, settings: DatasetSettings, found: DataSet) -> dict[str, Any]:
    """What ``clips.json`` says of the data set."""
    made_up = bool(getattr(settings, "generate", None))
    samples = {task: file_digest(path) for task, path in found.samples.items()}
    notes = [note.text for note in found.notes if note.clip is None]
    return {"dataset": name, "adapter": settings.adapter, "made_up": made_up, "samples": samples, "notes": notes}


def index_entries(found: DataSet) -> dict[str, dict[str, Any]]:
    """What ``clips.json`` says of each clip."""
    entries = {}
    for clip in found.clips:
        entry = asdict(clip) | {"stills": [*clip.stills]}  # as it is read back
        entry["labels"] = {
            task: {"rows": len(table[clip.id]), "content": array_digest(table[clip.id])}
            for task, table in sorted(found.labels.items())
            if clip.id in table
        }
        entry["notes"] = [note.text for note in found.notes if note.clip == clip.id]
        entries[entry.pop("id")] = entry
    return entries


def _write_labels(path: Path, table: dict[str, np.ndarray] | None) -> None:
    """Write one ``.npz``; a task that is no longer read leaves none behind.

    Not ``numpy.savez``: it takes names as keyword arguments, and a clip may be called ``file``.
    """
    if table is None:
        path.unlink(missing_ok=True)
        return
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for clip, rows in sorted(table.items()):
            with archive.open(zipfile.ZipInfo(f"{escape(clip)}.npy"), "w") as stream:
                np.lib.format.write_array(stream, rows, allow_pickle=False)


def _copy_sample(path: Path, source: Path | None) -> None:
    if source is None:
        path.unlink(missing_ok=True)
        return
    with atomic(path) as temporary:
        shutil.copyfile(source, temporary)
