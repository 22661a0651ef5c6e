"""Locks on files, shared by all users of a machine; the kernel frees them, whatever happens to their holder."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

_held: set[int] = set()  # descriptors of this process's locks


def lock(file: Path, shared: bool = False) -> int | None:
    """Lock a file without waiting; it is made when it is missing.

    Args:
        shared: others may lock it ``shared`` too, instead of nobody.

    Returns:
        A descriptor that holds the lock until ``unlock``, or ``None`` when somebody else holds it.

    Raises:
        OSError: the file cannot be opened, or its file system has no locks.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    while True:
        descriptor = _open(file)
        _held.add(descriptor)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except OSError as error:
            unlock([descriptor])
            if isinstance(error, BlockingIOError):
                return None
            raise
        if _is(descriptor, file):
            return descriptor
        unlock([descriptor])  # the folder was cleaned up meanwhile, and the next one will lock a new file


def unlock(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        _held.discard(descriptor)
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """A folder in which every user may make files, and nobody may remove those of others, as in /tmp."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _for_everybody(), suppress(FileExistsError):
        folder.mkdir(0o1777)


def write_note(descriptor: int, what: str) -> None:
    """Say in a locked file who holds it; empty when it is given back.

    Only messages read it, so a full disk does not matter.
    """
    who = f"pid {os.getpid()} of {os.environ.get('USER') or os.getuid()} on {socket.gethostname()}"
    text = f"{what} ({who}, since {datetime.now():%Y-%m-%d %H:%M:%S})" if what else ""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)


def read_note(file: Path) -> str | None:
    """The note of whoever holds a file locked for itself; ``None`` when nobody does."""
    probe = lock(file, shared=True)
    if probe is not None:
        unlock([probe])
        return None
    text = file.read_bytes()[:300].decode(errors="replace")
    return "".join(filter(str.isprintable, text)) or "somebody"


def _open(file: Path) -> int:
    """Open for reading and writing.

    ``O_CREAT`` only where the file is missing: Linux refuses it on files of other users in folders like /tmp.
    """
    while True:
        with suppress(FileNotFoundError):
            return os.open(file, os.O_RDWR | os.O_NOFOLLOW)
        with suppress(FileExistsError), _for_everybody():
            return os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)


def _is(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.lstat())
    except FileNotFoundError:
        return False


@contextmanager
def _for_everybody() -> Iterator[None]:
    mask = os.umask(0)
    try:
        yield
    finally:
        os.umask(mask)


def _drop() -> None:
    """A forked child keeps no lock: else it would outlive a holder that was killed."""
    unlock(list(_held))


os.register_at_fork(after_in_child=_drop)
