"""One run at a time on a results folder: a lock that the kernel frees, however the process ends."""

from __future__ import annotations

import errno
import fcntl
import getpass
import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from abaw_pipeline.runtime.progress import say
from abaw_pipeline.runtime.storage import writing

NAME = ".lock"
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class RunLock:
    """``<results>/.lock``, held from its making until ``release`` or the end of the process.

    The file itself stays and means nothing; it says who holds the lock while somebody does. No child inherits the
    lock. Where the file system has no locks a line says so and work goes on: stages write atomically and skip what is
    done, so two runs at once cost double work at worst, and a folder on such a file system must stay usable.

    Raises:
        ValueError: somebody else holds it (who, where and since when is named), or the file may not be written.
        CannotWrite: the disk is full or read-only, and the file is not there yet.
    """

    def __init__(self, results: Path, what: str) -> None:
        with writing(results):
            results.mkdir(parents=True, exist_ok=True)
            self._descriptor: int | None = _locked(results / NAME)
        os.register_at_fork(after_in_child=self.release)  # a copy of the descriptor would keep the lock
        with suppress(OSError):  # a full disk must not keep anybody from making space
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(_me(what)).encode(), 0)

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> RunLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


_held: list[RunLock] = []


def hold(results: Path, what: str) -> None:
    """Hold the lock of a results folder until this process ends; ``ValueError`` as ``RunLock``."""
    _held.append(RunLock(results, what))


def holder(results: Path) -> str | None:
    """Who is at work on a results folder, in words; ``None`` where nobody is."""
    try:
        descriptor = os.open(results / NAME, os.O_RDONLY)
    except (FileNotFoundError, PermissionError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(descriptor)
    except OSError:  # a file system without locks
        return None
    finally:
        os.close(descriptor)
    return None


def _locked(path: Path) -> int:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)  # not inheritable: closed in every child
        except PermissionError:
            raise ValueError(
                f"{path}: belongs to {_owner(path)} and you may not write it; "
                "ask for access, or choose another folder with 'results:' in the settings"
            ) from None
        try:
            _lock(descriptor, path)
            if _is(descriptor, path):
                return descriptor
            os.close(descriptor)  # the folder was removed and made again between the two calls
        except BaseException:
            os.close(descriptor)
            raise


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ValueError(f"{path.parent}: in use {_holder(descriptor)}; wait for it to end, or stop it there") from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        say(f"abaw: {path.parent}: this file system has no locks; see yourself that only one run at a time works here")


def _is(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _me(what: str) -> dict[str, str | int]:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container with a number instead of a user
        user = str(os.getuid())
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    return {"what": what, "user": user, "host": socket.gethostname(), "pid": os.getpid(), "since": since}


def _holder(descriptor: int) -> str:
    """Who holds the lock, by the note in the file; its writer may be in the middle of it."""
    try:
        note = json.loads(os.pread(descriptor, 4096, 0))
        return f"by {note['user']} on {note['host']}, process {note['pid']} ({note['what']}), since {note['since']}"
    except (ValueError, KeyError, TypeError):
        return "by another run that has just begun"


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (KeyError, OSError):
        return "somebody else"
