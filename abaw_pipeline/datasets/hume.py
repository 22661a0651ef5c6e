"""What the data sets of Hume have in common: recordings, sound alone and face crops under numbered ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from abaw_pipeline.datasets.base import DataSet, need_file
from abaw_pipeline.datasets.intensities import Intensities
from abaw_pipeline.datasets.intensity_rows import padded
from abaw_pipeline.datasets.material import Material, Splits, add_clips
from abaw_pipeline.datasets.places import Paths, doubtful, files_in, folders_in, given_folders
from abaw_pipeline.datasets.samples import read_sample_file
from abaw_pipeline.datasets.settings import MaterialSettings
from abaw_pipeline.tracks import TRACKS
from abaw_pipeline.types import Clip, Split

SOUND_SUFFIXES = (".wav", ".flac", ".mp3", ".m4a", ".ogg", ".aac")


class HumeSettings(MaterialSettings):
    """Folders of recordings, sound and crops, named by ids of five digits."""

    recordings: list[str] = ["raw", "mp4"]
    """Folders of recordings. Those of the default may be missing; any other must be there."""
    sounds: list[str] = ["wav", "audio"]
    """Folders of sound files, for clips without a recording; the same rule."""
    crops: list[str] = ["face_images"]
    """Folders of face crops, one folder per clip; the same rule."""
    rate: Annotated[float, Field(gt=0)] = 25.0
    """Frames a second of clips without pictures, or with face crops alone: their features have rows all the same."""

    @property
    def watched(self) -> list[str]:
        return [*super().watched, *self.sounds]


@dataclass(frozen=True)
class HumeMaterial(Material):
    """What lies in the folders of a data set, by padded id."""

    sounds: Paths

    def clip(self, clip: str, known: Set[str], splits: Mapping[str, Set[Split]], rate: float | None) -> Clip | str:
        """The clip, or what is wrong with it; sound alone stands in for a recording that is not there."""
        videos, sounds, crops = (found.get(clip, []) for found in (self.videos, self.sounds, self.crops))
        if fault := doubtful({"recordings": videos, "sound files": sounds, "crop folders": crops}):
            return fault
        recording = (videos or sounds)[:1]
        if not recording and not crops:
            return f"neither a recording '{clip}', nor its sound, nor a crop folder in the data set's folders"
        return Clip(
            id=clip,
            recording=clip,
            video=str(recording[0]) if recording else None,
            crops=str(crops[0]) if crops else None,
            rate=rate,
            splits={task: next(iter(found)) for task, found in sorted(splits.items())},
        )


def joined(settings: HumeSettings, root: Path, told: Intensities, where: str) -> DataSet:
    """The data set of what tables tell; the clips of the sample files are test clips, too.

    Args:
        told: all tables read.
        where: the settings' own key, for messages.

    Returns:
        clips sorted by id, without digests; unusable ones are in ``skipped`` and nowhere else.

    Raises:
        ValueError: a missing folder or file that the settings name, or a sample file that is none.
    """
    told.check()
    samples = {
        str(track): need_file(root / name, f"{where}.samples.{track}") for track, name in settings.samples.items()
    }
    splits: Splits = defaultdict(dict, {clip: {} for clip in told.faults})
    for clip, split in told.splits.items():
        splits[clip][told.task.name] = {split}
    for track, path in samples.items():
        for name, _ in read_sample_file(path, TRACKS[track]):
            for task in TRACKS[track].tasks:
                splits[padded(name)].setdefault(task, set()).add("test")
    found = DataSet(samples=samples, labels={told.task.name: told.labels}, notes=told.notes, refused=told.refused)
    add_clips(found, splits, told.faults, settings, root, where, _material(settings, root, where))
    return found


def _material(settings: HumeSettings, root: Path, where: str) -> HumeMaterial:
    videos, sounds, crops = (given_folders(settings, key, root, where) for key in ("recordings", "sounds", "crops"))
    found = files_in(videos), folders_in(crops), files_in(sounds, SOUND_SUFFIXES)
    return HumeMaterial(*map(_by_padded_id, found))


def _by_padded_id(found: Paths) -> Paths:
    renamed: Paths = defaultdict(list)
    for name, places in found.items():
        renamed[padded(name)] += places
    return renamed
