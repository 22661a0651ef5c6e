"""Digests of large files, remembered so that an unchanged file is not read again.

The memory is keyed by path, size and times. A time may spare a second hash and nothing more: a file that was only
touched is read again and gets the digest it had. The time of the last change of the inode counts too: a copy that
keeps the old file's date (``cp -p``, ``rsync -t``) is noticed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from abaw_pipeline.runtime.files import read_json, write_json
from abaw_pipeline.runtime.keys import file_digest

MEMORY = ".settings/digests.json"
"""Where, below the results, digests of weights and of the face detector's model are remembered."""


def stamp_of(status: os.stat_result) -> str:
    """Size and times of a file: equal stamps are taken for equal content."""
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}"


def remembered_digest(path: Path, memory: Path) -> str:
    """sha256 of a file, read only where ``memory`` does not know it as it is now.

    Raises:
        OSError: the file cannot be read.
    """
    return _digest(path.resolve(), stamp_of(path.stat()), memory)


@lru_cache(maxsize=256)
def _digest(path: Path, stamp: str, memory: Path) -> str:
    return remembered(str(path), stamp, memory, lambda: file_digest(path))


def remembered(name: str, stamp: str, memory: Path, find: Callable[[], str]) -> str:
    """The digest that ``memory`` holds for ``name`` with this ``stamp``; else what ``find`` gives, which is noted."""
    known = read_json(memory, "snakemake") if memory.exists() else {}
    entry = known.get(name)
    if entry and entry["stamp"] == stamp:
        return str(entry["digest"])
    found = find()
    write_json(memory, {**known, name: {"stamp": stamp, "digest": found}})
    return found
