"""The files of a clip's media: the one list of them. Imports nothing heavy: Snakemake reads it."""

from __future__ import annotations

from pathlib import Path

from abaw_pipeline.media.settings import MediaSettings
from abaw_pipeline.runtime.paths import Layout


def every_part(layout: Layout, clip: str) -> dict[str, Path]:
    """Where each part lies that may be there."""
    return {
        "clock": layout.clock(clip),
        "faces": layout.faces(clip),
        "sound": layout.sound(clip),
        "frames": layout.frames(clip),
    }


def asked_parts(layout: Layout, clip: str, settings: MediaSettings) -> dict[str, Path]:
    """Where each part lies that the settings ask for."""
    parts = every_part(layout, clip)
    if settings.frames is None:
        del parts["frames"]
    return parts
