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
    if clip.video is None or seen.recording is None:
        return
    if not seen.recording.has_sound:
        yield Problem("note", "sound", clip.video, "no sound", "features of sound are valid in no frame", clip.id)
        return
    if not len(seen.times):
        return
    offset = sound_offset(seen)
    if abs(offset) > _OFFSET_S:
        what = f"the sound begins {abs(offset):.2f} s {'after' if offset > 0 else 'before'} the first picture"
        then = "its time stamps are taken as they are: nothing is shifted"
        yield Problem("note", "sound offset", clip.video, what, then, clip.id)
    end = seen.recording.sound_start_s + seen.recording.sound_s
    over = end - seen.pictures_end
    if abs(over) > max(_END_S, _END_SHARE * (seen.pictures_end - float(seen.times[0]))):
        silent = int(np.sum(seen.times >= end))
        what = f"the sound ends {abs(over):.2f} s {'after' if over > 0 else 'before'} the last picture"
        then = f"features of sound are not valid in the last {silent} frames" if over < 0 else "the rest is not used"
        yield Problem("warning", "sound length", clip.video, what, f"{then}; is it of this recording?", clip.id)
