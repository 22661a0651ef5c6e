"""Digests of large files, remembered so that an unchanged file is not read again.

The memory is keyed by path, size and times. A time may spare a second hash and nothing more: a file that was only
touched is read again and gets the digest it had. The time of the last change of the inode counts too: a copy that
keeps the old file's date (``cp -p``, ``rsync -t``) is noticed.
"""

from __future__ import annotations

import os
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
    known = read_json(memory, "snakemake") if memory.exists() else {}
    entry = known.get(str(path))
    if entry and entry["stamp"] == stamp:
        return str(entry["digest"])
    found = file_digest(path)
    write_json(memory, {**known, str(path): {"stamp": stamp, "digest": found}})
    return found
