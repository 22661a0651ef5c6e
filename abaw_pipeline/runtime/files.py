"""Nothing half-written is ever found under its final name."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from abaw_pipeline.runtime.storage import writing
from abaw_pipeline.runtime.temporaries import remove, temporary_beside


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary sibling of ``path`` to write a file or a folder to; renamed to ``path`` when the block succeeds.

    An old folder is moved aside first (a rename onto a non-empty folder fails), then removed. The temporary is removed
    when the block raises; what a kill leaves is found by its name (``temporaries.sweep``).

    Raises:
        CannotWrite: the block, or the renaming, met a disk that is full or cannot be written.
    """
    temporary = temporary_beside(path)
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            _put_in_place(temporary, path)
    finally:
        _clear(temporary)


def discard(folder: Path) -> None:
    """Remove a folder that is gone under its name at once, whatever stops the removal."""
    aside = temporary_beside(folder)
    folder.rename(aside)
    shutil.rmtree(aside)


def _clear(path: Path) -> None:
    """Remove a temporary, and once more where threads of a library that failed still put something there (zarr)."""
    for _ in range(40):
        if not (path.exists() or path.is_symlink()):
            return
        remove(path)
        time.sleep(0.05)


def _put_in_place(temporary: Path, path: Path) -> None:
    if not path.is_dir():
        temporary.replace(path)
        return
    aside = temporary_beside(path)
    path.rename(aside)
    temporary.rename(path)
    shutil.rmtree(aside)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON with sorted keys, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path, made_by: str) -> Any:
    """Read a JSON file that an earlier stage wrote.

    Raises:
        ValueError: the file is missing or damaged; the message names ``made_by``, the command that makes it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path}: not there yet; make it with '{made_by}'") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: damaged ({error}); delete it and make it again with '{made_by}'") from None
