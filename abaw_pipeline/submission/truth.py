"""Labels and predictions in files that anyone made, as arrays: in a track's own format, or as annotation files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from abaw_pipeline.datasets.labels import MOST_FRAMES, Place, allowed, dense, fits, fitting, read_label_file, short
from abaw_pipeline.datasets.mtl_labels import read_mtl_labels
from abaw_pipeline.datasets.names import clip_id
from abaw_pipeline.datasets.samples import split_row
from abaw_pipeline.runtime.text import File, text_lines
from abaw_pipeline.submission.opened import opened
from abaw_pipeline.submission.packing import has_files_per_video
from abaw_pipeline.tracks import Track

Tables = dict[str, dict[str, np.ndarray]]
"""By task and clip ``(rows, task.width)`` float32; row ``i`` is frame number ``i + 1``, NaN where there is no row."""


def read_truth(path: Path, track: Track) -> Tables:
    """Labels: a folder of annotation files, the annotation file of MTL, or a file in the format of the track.

    Marks of missing annotation are kept. Frames that an MTL file has several rows of are settled as in training.

    Raises:
        ValueError: no such file, or one that holds no labels of the track; names file and line.
    """
    files = opened(path, track)
    if isinstance(files, dict):
        return _of_videos(files, path, track)
    if track.name != "mtl" or not isinstance(files, Path):
        return _of_rows(files, track, marks=True)
    read = read_mtl_labels(files)
    if read.faults:
        raise ValueError(next(iter(read.faults.values())))
    return read.labels


def read_predictions(path: Path, track: Track) -> Tables:
    """A submission file, a zip of it, or a folder or zip of one file per video.

    Raises:
        ValueError: as ``read_truth``; also a frame with two rows, or a value that cannot be predicted.
    """
    files = opened(path, track)
    if not isinstance(files, dict):
        return _of_rows(files, track, marks=False)
    tables, (task,) = _of_videos(files, path, track), track.parts
    for clip, rows in tables[task.name].items():
        wrong = np.flatnonzero(~fits(rows, task).all(axis=1))
        if len(wrong):
            raise ValueError(f"{path}: {clip}.txt: line {wrong[0] + 2}: not {fitting(task)}")
    return tables


def _of_videos(files: dict[str, File], path: Path, track: Track) -> Tables:
    if not has_files_per_video(track):
        raise ValueError(f"{path}: {track.name} has no files per video; give one file in the format of the track")
    (task,) = track.parts
    return {task.name: {clip_id(name): read_label_file(file, task) for name, file in files.items()}}


def _of_rows(file: File, track: Track, marks: bool) -> Tables:
    """A file in the format of the track; ``marks``: values may be missing marks."""
    lines = text_lines(file)
    header = lines[0].strip().rstrip(", ") if lines else ""
    if header != track.header:
        raise ValueError(f"{file}: line 1: expected the header '{track.header}', found '{short(header)}'")
    places: dict[Place, int] = {}
    values = np.empty((len(lines) - 1, track.width))
    for line, text in enumerate(lines[1:], start=2):
        name, *cells = text.strip().rstrip(", ").split(",")
        place = split_row(name.strip(), track, Path(str(file)), line)
        if place in places or place[1] > MOST_FRAMES:
            twice = f"is there twice, first in line {places[place]}" if place in places else "is no frame of a clip"
            raise ValueError(f"{file}: line {line}: '{short(name)}' {twice}")
        places[place] = line
        values[line - 2] = _numbers(cells, f"{file}: line {line}", track)
    return {name: dense(list(places), part) for name, part in _parts(values, file, track, marks).items()}


def _numbers(cells: list[str], where: str, track: Track) -> list[float]:
    try:
        found = [float(cell) for cell in cells]
    except ValueError:
        found = []
    if len(found) != track.width:
        raise ValueError(f"{where}: '{short(','.join(cells))}' is not {track.width} numbers after the row's name")
    return found


def _parts(values: np.ndarray, file: File, track: Track, marks: bool) -> dict[str, np.ndarray]:
    """Checked values ``(n, task.width)`` by task."""
    parts, start = {}, 0
    for task in track.parts:
        part = values[:, start : start + task.width]
        wrong = np.flatnonzero(~(allowed(part, task) if marks else fits(part, task).all(axis=1)))
        if len(wrong):
            text = ",".join(f"{value:g}" for value in part[wrong[0]])
            raise ValueError(f"{file}: line {wrong[0] + 2}: {task.name} '{text}' is not {fitting(task)}")
        parts[task.name], start = part, start + task.width
    return parts
