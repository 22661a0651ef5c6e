"""Stores that hold exactly what their manifest lists."""

from __future__ import annotations

import shutil
from collections.abc import Collection

from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.names import escape


def keep_only(store: ArrayStore, clips: Collection[str]) -> None:
    """Remove the clips of an earlier run that are no longer among ``clips``."""
    for stale in set(store.clips()) - set(clips):
        home = store.path / escape(stale)
        aside = home.with_name(f".tmp-old-{home.name}")
        home.rename(aside)  # gone under its name at once, whatever stops the removal
        shutil.rmtree(aside)
