"""Content digests of recordings and crop folders, remembered so that unchanged files are not read again.

A crop folder counts as one; ``runtime/digests.py`` says by what a file is known.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from abaw_pipeline.runtime.digests import stamp_of
from abaw_pipeline.runtime.files import read_json, write_json
from abaw_pipeline.runtime.keys import digest, file_digest
from abaw_pipeline.runtime.progress import progress

_READERS = 4  # hashing waits for the disk more than for the processor


def content_digests(paths: Iterable[str], memory: Path) -> tuple[dict[str, str], dict[str, str]]:
    """sha256 of each file or crop folder.

    Args:
        memory: JSON file of earlier digests; rewritten with exactly the given paths.

    Returns:
        digests by path, and by path what went wrong where one could not be read.
    """
    known = read_json(memory, "abaw index") if memory.exists() else {}
    wanted = sorted(set(paths))
    with ThreadPoolExecutor(_READERS) as pool:
        read = pool.map(lambda path: _one(path, known.get(path)), wanted)
        results = list(progress(read, "digests", "part", len(wanted)))
    fresh = {path: result for path, result in zip(wanted, results, strict=True) if isinstance(result, dict)}
    errors = {path: result for path, result in zip(wanted, results, strict=True) if isinstance(result, str)}
    if fresh != known:
        write_json(memory, fresh)
    return {path: entry["digest"] for path, entry in fresh.items()}, errors


def _one(path: str, known: dict[str, str] | None) -> dict[str, str] | str:
    """Stamp and digest of one path, or the reason it has none."""
    try:
        place = Path(path)
        stamp = _stamp(place)
        if known and known["stamp"] == stamp:
            return known
        return {"stamp": stamp, "digest": _folder_digest(place) if place.is_dir() else file_digest(place)}
    except OSError as error:
        return f"{path}: {error.strerror or error}; check the file and run 'abaw index' again"


def _stamp(path: Path) -> str:
    """Size and times of a file, or of every picture in a folder."""
    if not path.is_dir():
        status = path.stat()
        return stamp_of(status)
    return digest([[name, stamp_of(status)] for name, status in _pictures(path)])


def _folder_digest(folder: Path) -> str:
    sha = hashlib.sha256()
    for name, _ in _pictures(folder):
        content = (folder / name).read_bytes()
        sha.update(f"{name}\0{len(content)}\0".encode())
        sha.update(content)
    return sha.hexdigest()


def _pictures(folder: Path) -> list[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        found = [
            (entry.name, entry.stat())
            for entry in entries
            if not entry.name.startswith(".") and entry.name.lower().endswith((".jpg", ".jpeg", ".png"))
        ]
    return sorted(found)
