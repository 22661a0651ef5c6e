"""A disk that cannot be written: one error for it, whichever library met it, and room kept for what comes late."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from abaw_pipeline.runtime.temporaries import remove, temporary_beside

EXIT_CODE = 74
"""Exit code of a command that could not write (``EX_IOERR`` of sysexits.h)."""

_KEPT = "run again: what was finished is kept"
_REMEDIES = {
    errno.ENOSPC: f"make space there and {_KEPT}",
    errno.EDQUOT: f"make space within your quota and {_KEPT}",
    errno.EROFS: f"mount it for writing, or name another folder, and {_KEPT}",
    errno.EACCES: f"get write access, or name another folder, and {_KEPT}",
    errno.EPERM: f"get write access, or name another folder, and {_KEPT}",
}
_REFUSED = (errno.EACCES, errno.EPERM)
_IN_WORDS = re.compile(r"(?:os error |errno = )(\d+)")
"""How Rust (safetensors) and HDF5 tell an error of the system in a text."""
_BLOCK = bytes(1 << 20)


class CannotWrite(Exception):
    """Nothing can be written at a place: ``path``, the error number ``code``, and what is free there, in words.

    No fault of a clip or of the settings; so neither a ``ValueError`` nor an ``OSError``, which stages take for those.
    """

    def __init__(self, path: Path, code: int, free: str) -> None:
        super().__init__(path, code, free)
        self.path, self.code, self.free = path, code, free

    def __str__(self) -> str:
        return f"{self.path}: could not be written: {os.strerror(self.code)} ({self.free}); {_REMEDIES[self.code]}"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """In the block, any error that says the disk of ``path`` cannot be written becomes ``CannotWrite``."""
    try:
        yield
    except CannotWrite as inner:  # of a part of ``path``
        raise CannotWrite(path, inner.code, inner.free) from inner
    except Exception as error:
        fault = fault_of(error, path)
        if fault is None:
            raise
        raise fault from error


def fault_of(error: BaseException, path: Path) -> CannotWrite | None:
    """What ``error``, met while writing ``path``, says of the disk; ``None`` where it says nothing of it."""
    known: BaseException | None = error
    while known is not None:
        code = _code(known, path)
        if code is not None:
            return CannotWrite(path, code, _free(path))
        known = known.__cause__ or known.__context__
    return None


def _code(error: BaseException, path: Path) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        code = error.errno
    else:
        told = _IN_WORDS.search(str(error))
        code = int(told[1]) if told else 0
    if code in _REFUSED and not _concerns(error, path):
        return None  # what was read is refused, not what was written
    return code if code in _REMEDIES else None


def _concerns(error: BaseException, path: Path) -> bool:
    """Whether an error is about ``path``, a part of it, or a folder on the way to it."""
    named = getattr(error, "filename", None)
    if not isinstance(named, str):
        return False
    place, target = Path(named).absolute(), path.absolute()
    return place in (target, *target.parents) or target.parent in place.parents


def _free(path: Path) -> str:
    """What is free on the file system of ``path``."""
    place = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    try:
        status, free = os.statvfs(place), shutil.disk_usage(place).free
    except OSError:
        return "and what is free there cannot be told"
    mount = next(p for p in (place.resolve(), *place.resolve().parents) if p.is_mount())
    full = ", and no more files fit" if status.f_files and not status.f_favail else ""
    return f"{tqdm.format_sizeof(free, 'B')} free on {mount}{full}"


def require_room(folder: Path, size: int = 1 << 16) -> None:
    """Raises ``CannotWrite`` where a file of ``size`` bytes cannot be written to ``folder``."""
    with writing(folder), room_for(folder / "room", size):
        pass


@contextmanager
def room_for(path: Path, size: int) -> Iterator[None]:
    """Keep ``size`` bytes for ``path`` while the block runs, so that its writing after the block finds them.

    Raises:
        CannotWrite: there is no such room; the block is not entered.
    """
    kept = temporary_beside(path)
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with kept.open("wb") as stream:
                for start in range(0, size, len(_BLOCK)):
                    stream.write(_BLOCK[: size - start])
        yield
    finally:
        remove(kept)
