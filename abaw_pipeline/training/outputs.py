"""Stores that hold exactly what their manifest lists."""

from __future__ import annotations

from collections.abc import Collection

from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.files import discard
from abaw_pipeline.runtime.names import escape


def keep_only(store: ArrayStore, clips: Collection[str]) -> None:
    """Remove the clips of an earlier run that are no longer among ``clips``."""
    for stale in set(store.clips()) - set(clips):
        discard(store.path / escape(stale))
