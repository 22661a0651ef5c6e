"""How a change of files that features are read from is noticed: by content for a clip, by names and times for all."""

from __future__ import annotations

import glob
from collections.abc import Callable
from pathlib import Path

from abaw_pipeline.runtime.digests import remembered, stamp_of
from abaw_pipeline.runtime.keys import digest, file_digest


def content_of(path: Path, within: str | None, rows: Callable[[], str], memory: Path | None) -> str:
    """Digest of what is said of one clip.

    Args:
        path: the clip's own file or folder; or a file of all clips, where ``within`` is the clip's place in it.
        rows: reads the clip's rows from a file of all clips and gives their digest.
        memory: file that remembers digests (``runtime/digests.py``); ``None``: everything is read.

    Raises:
        ValueError: nothing is there.
    """
    files = _files(path)
    stamps = [[file.name, stamp_of(file.stat())] for file in files]
    if within is not None:
        name, find = f"{path.resolve()}#{within}", rows
    else:
        name, find = str(path.resolve()), lambda: digest([_named(file, path) for file in files])
    return find() if memory is None else remembered(name, digest(stamps), memory, find)


def _named(file: Path, path: Path) -> list[str]:
    """Digest of a file, and its name where it is one of a folder's."""
    return [file.name if file != path else "", file_digest(file)]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    return [path]


def listing_of(pattern: str, placeholder: str) -> str:
    """Digest of names, sizes and times of the files, or folders, that ``pattern`` may stand for; none is opened.

    A folder's time changes when a file in it comes or goes, not when one is overwritten.
    """
    anything = "*".join(glob.escape(part) for part in pattern.split(placeholder))
    found = sorted(glob.glob(anything))  # noqa: PTH207  # Path.glob takes no absolute pattern
    return digest([[path, stamp_of(Path(path).stat())] for path in found])
