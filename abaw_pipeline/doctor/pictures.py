"""Checks of a clip's pictures: rate, pauses, crops."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from abaw_pipeline.datasets.names import stated_rate
from abaw_pipeline.doctor.measured import Measured
from abaw_pipeline.doctor.problems import Problem
from abaw_pipeline.media.official import PAST_END
from abaw_pipeline.state.words import count
from abaw_pipeline.types import Clip

LONG_GAP = 250
"""Frames without a crop or a label in one stretch that are worth a word (about 10 s)."""
PAUSE_S = 1.0
"""Time between two pictures that is worth a word."""
_RATE_OFF = 0.02
"""Share by which the rate in a name may differ from the recording's."""


def check_pictures(clip: Clip, seen: Measured) -> Iterator[Problem]:
    """Everything about the pictures of a clip and its official crops."""
    yield from _rate(clip, seen)
    yield from _pause(clip, seen)
    if clip.crops is not None and seen.crops is not None:
        yield from _crops(clip, clip.crops, seen, seen.crops)


def _rate(clip: Clip, seen: Measured) -> Iterator[Problem]:
    if clip.video is None and not clip.stills:
        then = "features come from the crops alone; there is no sound, and without a crop a frame has no face"
        what = f"no recording; its crops are taken as {seen.rate} frames a second"
        yield Problem("note", "recording", clip.id, what, then, clip.id)
    named = stated_rate(clip.recording)
    if clip.video and named and seen.rate and abs(seen.rate - named) > _RATE_OFF * named and seen.frames > 1:
        what = f"its name says {named:g} Hz, its pictures come at {seen.rate:.4g} Hz"
        then = "the times in the recording count; is it the right one?"
        yield Problem("warning", "rate", clip.video, what, then, clip.id)
    if seen.frames == 1 and not clip.stills:
        yield Problem("note", "one frame", clip.id, "a clip of one frame", "it is a sequence of length 1", clip.id)


def _pause(clip: Clip, seen: Measured) -> Iterator[Problem]:
    steps = np.diff(seen.times)
    if clip.video and len(steps) > 1 and steps.max() > max(PAUSE_S, 5 * float(np.median(steps))):
        frame = int(np.argmax(steps)) + 1
        what = f"no picture for {steps.max():.2f} s after frame {frame}"
        then = f"frame numbers run on; row {frame} of sound features takes the sound of the whole pause"
        yield Problem("warning", "pause", clip.video, what, then, clip.id)


def _crops(clip: Clip, folder: str, seen: Measured, numbers: np.ndarray) -> Iterator[Problem]:
    beyond = int((numbers > seen.frames).sum())
    if beyond and numbers[-1] > seen.frames + PAST_END:
        what = f"crops reach number {numbers[-1]}, the recording has {seen.frames} frames"
        yield Problem("error", "crops", folder, what, "the clip is left out; do they belong together?", clip.id)
    elif beyond:
        what = f"{count(beyond, 'crop')} past the last of {seen.frames} frames"
        yield Problem("note", "crops", folder, what, "nothing is made of what lies past the end", clip.id)
    start, length = seen.crop_gap
    no_face = "features of the face are not valid there; 'gaps' of an experiment says how they are filled"
    if length == seen.frames:
        yield Problem("warning", "crop gap", folder, "not one crop", no_face, clip.id)
    elif length >= LONG_GAP:
        what = f"no crop from frame {start} on for {length} frames"
        yield Problem("warning", "crop gap", folder, what, no_face, clip.id)
