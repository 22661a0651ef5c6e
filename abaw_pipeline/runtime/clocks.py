"""Clocks that differ: Snakemake goes by modification times, so their order must hold and none may lie in the future."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from abaw_pipeline.runtime.files import atomic
from abaw_pipeline.runtime.paths import written
from abaw_pipeline.runtime.temporaries import time_of

_COMPARED = (".json", ".txt", ".html")
"""Ends of the files that rules name."""
_APART_S, _STEP_S = 2.0, 0.001
"""Times further apart than the coarsest file system counts; and the least step by which an order is kept."""


def settle(results: Path) -> list[Path]:
    """Bring files whose times lie in the future (written under a wrong clock) to the present, in the order they had.

    Snakemake fails a job whose input is newer than the output just made, and overlooks changes of what lies before a
    file of the future. Returns the files that were settled; those of another user stay as they are.
    """
    now = time_of(results)
    if now is None:
        return []
    future = {path: stamp for path, stamp in _stamps(results) if stamp > now + _APART_S}
    ranks = {stamp: rank for rank, stamp in enumerate(sorted(set(future.values()), reverse=True))}
    settled = []
    for path, stamp in future.items():
        with suppress(PermissionError, FileNotFoundError):
            os.utime(path, (now - _STEP_S * ranks[stamp],) * 2)
            settled.append(path)
    return settled


def _stamps(results: Path) -> Iterator[tuple[Path, float]]:
    """Files that rules name, and their times."""
    for entry in written(results):
        if entry.name.endswith(_COMPARED) and entry.is_file(follow_symlinks=False):
            yield Path(entry.path), entry.stat(follow_symlinks=False).st_mtime


def keep_older(path: Path, than: Path) -> None:
    """Make the time of ``path``, where it is there, earlier than that of ``than``, whatever clock it was written by."""
    if not path.is_file() or path.stat().st_mtime < than.stat().st_mtime:
        return
    earlier = (than.stat().st_mtime - _APART_S,) * 2
    try:
        os.utime(path, earlier)
    except PermissionError:  # another user's file: only its owner may choose a time
        with atomic(path) as copy:
            shutil.copyfile(path, copy)
            os.utime(copy, earlier)
