"""The media stage: clips to picture clock, face crops, sound, whole pictures; finished files are left as they are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import av

from abaw_pipeline.media.clock import write_clock
from abaw_pipeline.media.codes import media_codes, media_modules
from abaw_pipeline.media.detect import Detector, make_detector
from abaw_pipeline.media.faces import write_detected
from abaw_pipeline.media.frames import write_frames
from abaw_pipeline.media.official import write_official, write_stills
from abaw_pipeline.media.parts import asked_parts
from abaw_pipeline.media.plan import detects, media_keys
from abaw_pipeline.media.settings import MediaSettings
from abaw_pipeline.media.sound import write_sound
from abaw_pipeline.media.store import key_of, read_clock, summary
from abaw_pipeline.runtime.code import code_parts
from abaw_pipeline.runtime.journal import NO_JOURNAL, Journal
from abaw_pipeline.runtime.keys import digest, settings_digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.runtime.storage import writing
from abaw_pipeline.types import Clip, Skipped

STAGE = "media"


def media_about(settings: MediaSettings) -> dict[str, Any]:
    """What the media manifests say of the stage."""
    codes = media_codes(settings)
    return {
        "stage": STAGE,
        "key": digest({"settings": settings_digest(settings), "code": codes}),
        "settings": settings.model_dump(mode="json"),
        "code": codes,
        "modules": code_parts(*media_modules(settings).values()),
    }


def media_speed_key(dataset: str, settings: MediaSettings) -> str:
    """What the speed of the stage hangs on: settings and code, and the data set for the size of its pictures."""
    return f"{dataset} {media_about(settings)['key']}"


def build_media(
    clips: Sequence[Clip],
    layout: Layout,
    settings: MediaSettings,
    journal: Journal = NO_JOURNAL,
) -> Manifest:
    """Make ``clock.h5``, ``faces.h5``, ``sound.h5`` and, where asked for, ``frames.h5`` of every clip whose key is new.

    Returns:
        One entry per finished clip: ``keys`` and ``contents`` (by part), ``libraries`` they were
        made with, ``frames``, ``faces``, ``face_share``, ``sound_s``, ``aligned`` and ``notes``. Bad clips are in
        ``skipped`` with the reason; the others are finished.

    Raises:
        ValueError: the settings name a detector that cannot be made.
        CannotWrite: the disk is full or read-only. That is no fault of a clip.
    """
    manifest = Manifest(media_about(settings))
    builder = _Builder(layout, settings)
    if any(detects(clip, settings.faces) for clip in clips):
        _ = builder.detector  # a wrong setting is no fault of the clips: it stops the stage before any work
    todo = {clip.id for clip in clips if stale_parts(clip, layout, settings)}
    if todo:
        journal.begin(len(todo), "cpu", media_speed_key(layout.dataset, settings))
    for clip in progress(clips, STAGE, total=len(clips)):
        try:
            with writing(layout.clock(clip.id).parent):
                manifest.clips[clip.id] = builder.build(clip)
                if clip.id in todo:
                    journal.did(clip.id, manifest.clips[clip.id]["frames"])
        except (ValueError, OSError, av.error.FFmpegError) as error:
            manifest.skipped.append(Skipped(clip.id, STAGE, " ".join(str(error).split())))
    if todo:
        journal.end()
    return manifest


def stale_parts(clip: Clip, layout: Layout, settings: MediaSettings) -> list[str]:
    """Which of a clip's parts that the settings ask for are missing or were made from something else.

    A clip without a digest of its content counts as wholly stale.
    """
    files = asked_parts(layout, clip.id, settings)
    if not clip.digest:
        return list(files)
    keys = media_keys(clip, settings).asked
    return [part for part, path in files.items() if key_of(path) != keys[part]]


class _Builder:
    def __init__(self, layout: Layout, settings: MediaSettings) -> None:
        self.layout, self.settings = layout, settings

    @cached_property
    def detector(self) -> Detector:
        return make_detector(self.settings.faces)

    def build(self, clip: Clip) -> dict[str, Any]:
        """Make what is missing of one clip, and describe it."""
        keys, stale = media_keys(clip, self.settings), stale_parts(clip, self.layout, self.settings)
        if "clock" in stale:
            write_clock(clip, self.settings.max_error_share, self.layout.clock(clip.id), keys.clock)
        if "faces" in stale:
            self._faces(clip, keys.faces)
        if "sound" in stale:
            write_sound(clip.video, self.layout.sound(clip.id), keys.sound)
        if "frames" in stale:
            self._frames(clip, str(keys.frames))
        return {"keys": keys.asked, **summary(self.layout, asked_parts(self.layout, clip.id, self.settings))}

    def _faces(self, clip: Clip, key: str) -> None:
        frames, path = len(read_clock(self.layout, clip.id)), self.layout.faces(clip.id)
        if clip.stills:
            write_stills(clip, self.settings.max_error_share, path, key)
        elif detects(clip, self.settings.faces):
            write_detected(clip, frames, self.settings, self.detector, path, key)
        elif clip.crops is None:
            raise ValueError("media.faces.source is 'crops', but there is no crop folder; set it to 'auto'")
        else:
            write_official(clip.crops, frames, self.settings.max_error_share, path, key)

    def _frames(self, clip: Clip, key: str) -> None:
        assert self.settings.frames is not None  # else they are not asked for
        frames, path = len(read_clock(self.layout, clip.id)), self.layout.frames(clip.id)
        write_frames(clip.video, frames, self.settings.frames, self.settings.max_error_share, path, key)
