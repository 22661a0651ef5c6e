"""How many frames each clip of a data set has, as well as that is known before, or after, its media were made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from abaw_pipeline.datasets.probe import probe
from abaw_pipeline.datasets.samples import read_sample_file
from abaw_pipeline.media.crop_files import list_crops
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.state.sources import DataNow
from abaw_pipeline.state.words import count
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS
from abaw_pipeline.types import Clip

USUAL_RATE = 25.0
"""Frames a second of a clip that has sound alone and whose rate nobody states."""
_READERS = 4  # they wait for the disk more than for the processor

MEDIA, PACKETS, SOUND, CROPS, STILLS, ROWS = (
    "packed media",
    "the packets of recordings",
    "the length of sound",
    "numbers of crops",
    "stills",
    "rows of labels or samples",
)
"""Where a count comes from, best first."""


@dataclass(frozen=True)
class Frames:
    """Frames by clip; a clip of which nothing tells them is not in it.

    Attributes:
        sources: how many clips were counted by what.
        unknown: clips that nothing tells of.
    """

    of: dict[str, int] = field(default_factory=dict)
    sources: Counter[str] = field(default_factory=Counter)
    unknown: int = 0

    def total(self, clips: Iterable[str]) -> int:
        return sum(self.of.get(clip, 0) for clip in clips)

    @property
    def line(self) -> str:
        """``3,612 frames in 24 clips (20 by the packets of recordings, 4 by numbers of crops)``."""
        told = [f"{number} by {source}" for source, number in self.sources.most_common()]
        told += [f"{count(self.unknown, 'clip')} of unknown length not counted"] if self.unknown else []
        clips = count(len(self.of), "clip")
        return f"{sum(self.of.values()):,} frames in {clips}" + (f" ({', '.join(told)})" if told else "")


def frames_of(data: DataNow) -> Frames:
    """The frames of every clip of a data set; recordings whose media are not there are read, but not decoded.

    Raises:
        ValueError: the data set is not there.
    """
    clips, rows = data.found.clips, _rows(data)
    packed = {clip: int(entry["frames"]) for clip, entry in data.media_entries.items()}
    found = Frames()
    with ThreadPoolExecutor(_READERS) as pool:
        counted = pool.map(lambda clip: _count(clip, packed, rows), clips)
        for clip, (number, source) in progress(zip(clips, counted, strict=True), "count frames", total=len(clips)):
            if number:
                found.of[clip.id] = number
                found.sources[source] += 1
    return Frames(found.of, found.sources, len(clips) - len(found.of))


def _count(clip: Clip, packed: dict[str, int], rows: dict[str, int]) -> tuple[int, str]:
    """Frames, and what told them; 0 where nothing does."""
    if clip.id in packed:
        return packed[clip.id], MEDIA
    if clip.stills:
        return len(clip.stills), STILLS
    try:
        if clip.video and (found := _of_recording(clip)):
            return found
        if clip.crops and (numbers := list_crops(clip.crops)):
            return max(numbers), CROPS
    except ValueError:  # what is wrong with it, the media stage tells; its rows still say how long it is
        pass
    return rows.get(clip.id, 0), ROWS


def _of_recording(clip: Clip) -> tuple[int, str] | None:
    found = probe(str(clip.video))
    if found.has_pictures:
        return found.frames, PACKETS
    if found.has_sound and not clip.crops:
        return round(found.sound_s * (clip.rate or USUAL_RATE)), SOUND
    return None


def _rows(data: DataNow) -> dict[str, int]:
    """The longest table of labels or sample rows of each clip."""
    found: dict[str, int] = {}
    for task, table in data.found.labels.items():
        if TASKS[task].level == "frame":
            for clip, labels in table.items():
                found[clip] = max(found.get(clip, 0), len(labels))
    for track, path in data.found.samples.items():
        if TRACKS[track].level == "frame":
            for clip, frame in read_sample_file(path, TRACKS[track]):
                found[clip] = max(found.get(clip, 0), frame)
    return found
