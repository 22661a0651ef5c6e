"""The media stage: clips to picture clock, face crops and sound; finished files are left as they are."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import av

from abaw_pipeline.media.clock import write_clock
from abaw_pipeline.media.detect import Detector, make_detector
from abaw_pipeline.media.faces import write_detected
from abaw_pipeline.media.official import write_official
from abaw_pipeline.media.plan import detects, media_keys
from abaw_pipeline.media.settings import MediaSettings
from abaw_pipeline.media.sound import write_sound
from abaw_pipeline.media.store import key_of, read_clock, summary
from abaw_pipeline.runtime.keys import code_digest, digest, settings_digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.types import Clip, Skipped

STAGE = "media"
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors of the disk that is written to: no fault of a clip."""


def build_media(clips: Sequence[Clip], layout: Layout, settings: MediaSettings) -> Manifest:
    """Make ``clock.h5``, ``faces.h5`` and ``sound.h5`` of every clip whose key is new.

    Returns:
        One entry per finished clip: ``content`` (digest), ``frames``, ``faces``, ``face_share``, ``sound_s``,
        ``aligned`` and ``notes``. Bad clips are in ``skipped`` with the reason; the others are finished.

    Raises:
        ValueError: the settings name a detector that cannot be made.
        OSError: the disk is full.
    """
    key = digest({"settings": settings_digest(settings), "code": code_digest("media.build")})
    manifest = Manifest({"stage": STAGE, "key": key})
    builder = _Builder(layout, settings)
    if any(detects(clip, settings.faces) for clip in clips):
        _ = builder.detector  # a wrong setting is no fault of the clips: it stops the stage before any work
    for clip in progress(clips, STAGE, total=len(clips)):
        try:
            manifest.clips[clip.id] = builder.build(clip)
        except (ValueError, OSError, av.error.FFmpegError) as error:
            if isinstance(error, OSError) and error.errno in _DISK:
                raise
            manifest.skipped.append(Skipped(clip.id, STAGE, " ".join(str(error).split())))
    return manifest


class _Builder:
    def __init__(self, layout: Layout, settings: MediaSettings) -> None:
        self.layout, self.settings = layout, settings

    @cached_property
    def detector(self) -> Detector:
        return make_detector(self.settings.faces)

    def build(self, clip: Clip) -> dict[str, Any]:
        """Make what is missing of one clip, and describe it."""
        keys, share = media_keys(clip, self.settings), self.settings.max_error_share
        clock, sound = self.layout.clock(clip.id), self.layout.sound(clip.id)
        if key_of(clock) != keys.clock:
            write_clock(clip, share, clock, keys.clock)
        if key_of(self.layout.faces(clip.id)) != keys.faces:
            self._faces(clip, keys.faces)
        if key_of(sound) != keys.sound:
            write_sound(clip.video, sound, keys.sound)
        entry = summary(self.layout, clip.id)
        return {"content": digest(entry.pop("contents")), **entry}

    def _faces(self, clip: Clip, key: str) -> None:
        frames, path = len(read_clock(self.layout, clip.id)), self.layout.faces(clip.id)
        if detects(clip, self.settings.faces):
            write_detected(clip, frames, self.settings, self.detector, path, key)
        elif clip.crops is None:
            raise ValueError("media.faces.source is 'crops', but there is no crop folder; set it to 'auto'")
        else:
            write_official(clip.crops, frames, self.settings.max_error_share, path, key)
