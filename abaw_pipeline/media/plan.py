"""Keys of the media files of a clip: what decides each of them, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from abaw_pipeline.media.codes import media_codes
from abaw_pipeline.media.detect import detector_digest
from abaw_pipeline.media.settings import FaceSettings, MediaSettings
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.types import Clip

VERSION = 1
"""Raised by hand when files change though neither code nor settings do (a changed default, a library)."""


@dataclass(frozen=True)
class Keys:
    """The keys of a clip's clock, faces, sound and, where they are asked for, whole pictures."""

    clock: str
    faces: str
    sound: str
    frames: str | None = None

    @property
    def asked(self) -> dict[str, str]:
        """The keys of what is asked for, by part."""
        return {part: key for part, key in vars(self).items() if key is not None}


def detects(clip: Clip, faces: FaceSettings) -> bool:
    """Whether a clip's faces are detected in its recording (else its official crops, or its stills, are taken)."""
    if clip.stills:
        return False
    return faces.source == "detect" or (faces.source == "auto" and clip.crops is None)


def media_keys(clip: Clip, settings: MediaSettings, codes: Mapping[str, str] | None = None) -> Keys:
    """The keys of a clip.

    Args:
        codes: as ``media_codes``, which is taken where there are none.

    Raises:
        ValueError: the clip carries no digest of its content, or the detector's model file is missing.
    """
    if not clip.digest:
        raise ValueError("the clip carries no digest of its content; list it with 'abaw index'")
    codes = codes or media_codes(settings)
    made_from = {"version": VERSION, "clip": clip.digest, "max_error_share": settings.max_error_share}
    clock = digest({**made_from, "rate": clip.rate, "code": codes["clock"]})
    # The clock's code decides how many rows there are; the rate does not.
    made_from["clock_code"] = codes["clock"]
    if detects(clip, settings.faces):
        faces = digest({**made_from, **_detection(clip, settings.faces), "code": codes["faces"]})
    else:
        faces = digest({**made_from, "source": "crops", "code": codes["official"]})
    sound = digest({"version": VERSION, "clip": clip.digest, "code": codes["sound"]})
    if settings.frames is None:
        return Keys(clock, faces, sound)
    shrinking = settings.frames.model_dump(mode="json", exclude_defaults=True)
    return Keys(clock, faces, sound, digest({**made_from, "settings": shrinking, "code": codes["frames"]}))


def _detection(clip: Clip, faces: FaceSettings) -> dict[str, object]:
    """What decides detected faces. The path of the model file does not count, its content does."""
    unused = {"source", "model"} | ({"threshold"} if faces.detector == "haar" else set())
    named = faces.model_dump(mode="json", exclude_defaults=True, exclude=unused)
    return {"source": "detect", "side": clip.side, "settings": named, "detector": detector_digest(faces)}
