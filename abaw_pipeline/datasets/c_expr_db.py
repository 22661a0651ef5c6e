"""C-EXPR-DB: recordings with compound expressions, of which no training labels are released.

Labels of the user's own come in tables. Recordings alone do, and so do crops.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Literal

from abaw_pipeline.datasets.base import DataSet, need_file, need_folder
from abaw_pipeline.datasets.material import Splits, add_clips, find_material
from abaw_pipeline.datasets.names import person
from abaw_pipeline.datasets.samples import read_sample_file
from abaw_pipeline.datasets.settings import MaterialSettings
from abaw_pipeline.tracks import TRACKS
from abaw_pipeline.types import Clip

TASK = "ce"


class CExprDbSettings(MaterialSettings):
    """A folder laid out like C-EXPR-DB; without ``tables`` it can be predicted, not trained on."""

    adapter: Literal["c_expr_db"]
    recordings: list[str] = ["videos"]
    """Folders of recordings. Those of the default may be missing; any other must be there."""
    crops: list[str] = ["cropped_aligned"]
    """Folders of official face crops, one folder per clip; the same rule."""


def find(settings: CExprDbSettings, where: str) -> DataSet:
    """List the clips of the data set: crop folders, and recordings without one.

    The test clips are those that the sample file asks for; without one, all that the user brings no label of.

    Args:
        where: the settings' own key (``datasets.c_expr_db``), for messages.

    Returns:
        clips sorted by id, without digests; a clip that is asked for and has no material, or too much, is in
        ``skipped`` and nowhere else.

    Raises:
        ValueError: a missing folder or file that the settings name, or a sample file or table that is none.
    """
    root = need_folder(Path(settings.root), f"{where}.root")
    samples = {
        str(track): need_file(root / name, f"{where}.samples.{track}") for track, name in settings.samples.items()
    }
    splits = _sampled(samples)
    for clip in _unasked(settings, root, set(splits), where):
        splits[clip] = {}
    found = DataSet(samples=samples)
    add_clips(found, splits, {}, settings, root, where)
    if TASK not in samples:
        found.clips = [_tested(clip) for clip in found.clips]
    return found


def _sampled(samples: dict[str, Path]) -> Splits:
    """The clips of the sample files, which are test clips."""
    splits: Splits = defaultdict(dict)
    for track, path in samples.items():
        for clip, _ in read_sample_file(path, TRACKS[track]):
            splits[clip].update({task: {"test"} for task in TRACKS[track].tasks})
    return splits


def _unasked(settings: CExprDbSettings, root: Path, sampled: set[str], where: str) -> set[str]:
    """Recordings of which nothing else says that they are clips, or who is in them."""
    material = find_material(settings, root, where)
    named = sampled | material.crops.keys()
    return material.videos.keys() - {person(clip, named)[0] for clip in named}


def _tested(clip: Clip) -> Clip:
    return clip if TASK in clip.splits else replace(clip, splits={**clip.splits, TASK: "test"})
