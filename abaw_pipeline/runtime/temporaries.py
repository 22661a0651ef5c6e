"""Temporaries carry the name of who writes them, so that what a kill left is told from what is being written."""

from __future__ import annotations

import os
import re
import shutil
import socket
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path

from abaw_pipeline.runtime.paths import written

_OWNED = re.compile(r"\.tmp-(?P<pid>\d+)@(?P<machine>[^~]+)~[0-9a-f]{8}-")
_UNOWNED = re.compile(r"\.tmp-([0-9a-f]{8}|old)-")  # as they were named before they had an owner
_LONG_DEAD_S = 24 * 3600.0
"""Nobody writes one clip or model for a day: older temporaries of other machines are left-overs."""


def temporary_beside(path: Path) -> Path:
    """A new name in the folder of ``path`` that names this process as its owner."""
    return path.with_name(f".tmp-{os.getpid()}@{machine()}~{uuid.uuid4().hex[:8]}-{path.name[-40:]}")


@cache
def machine() -> str:
    """This machine, as far as its processes see each other.

    Host names are not enough: containers share them, and nodes may all be called ``localhost``. So the running kernel
    and the process numbering it gives this process (a container has its own) count as well.
    """
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:40]
    try:
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text()
        numbering = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:  # not Linux
        return host
    return f"{host}+{sha256(f'{kernel}{numbering}'.encode()).hexdigest()[:8]}"


def lives(pid: int) -> bool:
    """Whether a process of this machine is there and not just waiting to be buried."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:  # not Linux, or gone since
        return True
    return state not in "ZX"


def sweep(results: Path) -> list[Path]:
    """Remove the temporaries of dead writers everywhere under a results folder; returns what was removed.

    Never follows a link. A writer on another machine counts as dead after a day.
    """
    return [path for path in list(left_over(results)) if remove(path)]


def sweep_folder(folder: Path, name: str = "") -> list[Path]:
    """The same directly in one folder, and with ``name`` only what was to become that file or folder."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if entry.name.endswith(name[-40:])]
    return [path for path in _dead(found, folder) if remove(path)]


def left_over(results: Path) -> Iterator[Path]:
    """The temporaries of dead writers under a results folder."""
    return _dead(written(results), results)


def _dead(entries: Iterable[os.DirEntry[str]], folder: Path) -> Iterator[Path]:
    judge = _Judge(folder)
    for entry in entries:
        if entry.name.startswith(".tmp-") and not entry.is_symlink() and judge.is_left(Path(entry.path)):
            yield Path(entry.path)


class _Judge:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def is_left(self, path: Path) -> bool:
        owner = _OWNED.match(path.name)
        if owner and owner["machine"] == machine():
            return not lives(int(owner["pid"]))
        if owner or _UNOWNED.match(path.name):
            return self._now is not None and self._now - _last_touched(path) > _LONG_DEAD_S
        return False  # somebody's own file

    @cached_property
    def _now(self) -> float | None:
        return time_of(self._folder)


def time_of(folder: Path) -> float | None:
    """The time by which the file system of ``folder`` stamps files: its clock need not be that of this machine.

    ``None`` where nothing can be written, so that it cannot be told.
    """
    probe = temporary_beside(folder / "now")
    try:
        probe.touch()
        now = probe.stat().st_mtime
        probe.unlink()
    except OSError:
        return None
    return now


def _last_touched(path: Path) -> float:
    """Latest modification of a file, or of anything in a folder."""
    try:
        inside = path.rglob("*") if path.is_dir() else ()
        return max(item.lstat().st_mtime for item in (path, *inside))
    except FileNotFoundError:  # its writer is at work
        return float("inf")


def remove(path: Path) -> bool:
    """Remove a temporary if that can be done (not on a read-only disk, not another user's); whether it was."""
    with suppress(OSError):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        return True
    return False
