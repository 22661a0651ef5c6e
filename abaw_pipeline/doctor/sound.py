"""Checks of a clip's sound against its pictures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from abaw_pipeline.doctor.measured import Measured
from abaw_pipeline.doctor.problems import Problem
from abaw_pipeline.doctor.seen import sound_offset
from abaw_pipeline.types import Clip

_OFFSET_S = 0.1
"""Between the first picture and the first sample; codecs begin up to two frames of sound early or late."""
_END_S, _END_SHARE = 0.5, 0.02
"""The sound may end this much (seconds, and share of the pictures' length) before or after the last picture."""


def check_sound(clip: Clip, seen: Measured) -> Iterator[Problem]:
    """Whether there is sound, and begins and ends with the pictures."""
    if clip.video is None or seen.recording is None:
        return
    if not seen.recording.has_sound:
        yield Problem("note", "sound", clip.video, "no sound", "features of sound are valid in no frame", clip.id)
        return
    if not seen.recording.has_pictures:
        what = (
            f"no moving pictures: {seen.frames} frames are laid over {'the sound' if seen.crops is None else 'crops'}"
        )
        then = f"{seen.rate} of them are taken for a second; without a crop a frame has no face"
        yield Problem("note", "recording", clip.video, what, then, clip.id)
    offset = sound_offset(seen)
    if abs(offset) > _OFFSET_S:
        what = f"the sound begins {abs(offset):.2f} s {'after' if offset > 0 else 'before'} the first picture"
        then = "its time stamps are taken as they are: nothing is shifted"
        yield Problem("note", "sound offset", clip.video, what, then, clip.id)
    yield from _length(clip, clip.video, seen, seen.recording.sound_start_s + seen.recording.sound_s)


def _length(clip: Clip, video: str, seen: Measured, end: float) -> Iterator[Problem]:
    """Whether the sound, which ends at ``end`` (seconds), is as long as the pictures."""
    over = end - seen.pictures_end
    if abs(over) <= max(_END_S, _END_SHARE * (seen.pictures_end - float(seen.times[0]))):
        return
    what = f"the sound ends {abs(over):.2f} s {'after' if over > 0 else 'before'} the last picture"
    silent = int(np.sum(seen.times >= end))
    then = f"features of sound are not valid in the last {silent} frames" if over < 0 else "the rest is not used"
    yield Problem("warning", "sound length", video, what, f"{then}; is it of this recording?", clip.id)
