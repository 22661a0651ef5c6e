"""Which code makes each kind of media file. Imports nothing heavy: Snakemake reads it."""

from __future__ import annotations

from abaw_pipeline.media.settings import MediaSettings
from abaw_pipeline.runtime.code import code_digest

_MODULES = {"clock": "media.clock", "faces": "media.faces", "official": "media.official", "sound": "media.sound"}


def media_modules(settings: MediaSettings) -> dict[str, str]:
    """What makes the picture clock, detected faces, official crops, sound and, where asked for, whole pictures."""
    return _MODULES if settings.frames is None else {**_MODULES, "frames": "media.frames"}


def media_codes(settings: MediaSettings) -> dict[str, str]:
    """Digest of the code that makes each kind of file."""
    return {part: code_digest(module) for part, module in media_modules(settings).items()}
