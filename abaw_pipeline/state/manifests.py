"""Manifests that may not be there."""

from __future__ import annotations

from pathlib import Path

from abaw_pipeline.runtime.manifests import Manifest


def manifest_or_none(path: Path) -> Manifest | None:
    """The manifest at ``path``; ``None`` where nothing was made yet."""
    return Manifest.read(path, "snakemake") if path.is_file() else None
