"""Which code makes each kind of media file. Imports nothing heavy: Snakemake reads it."""

from __future__ import annotations

from abaw_pipeline.runtime.code import code_digest

MODULES = {"clock": "media.clock", "faces": "media.faces", "official": "media.official", "sound": "media.sound"}
"""What makes the picture clock, detected faces, official crops, sound."""


def media_codes() -> dict[str, str]:
    """Digest of the code that makes each kind of file."""
    return {part: code_digest(module) for part, module in MODULES.items()}
