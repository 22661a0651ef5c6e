"""HDF5 files written so that a full disk is an error and not a crash."""

from __future__ import annotations

import io
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py


class Hdf5Writer:
    """A new HDF5 file, ``file``; use as a context manager, or ``close`` it.

    After one failed write HDF5 can neither finish nor drop its file and brings the process down when it ends
    (github.com/h5py/h5py/issues/914). So it never learns of one: a failed write is remembered, what follows is let go,
    and ``close`` raises what was remembered.
    """

    def __init__(self, path: Path) -> None:
        self._raw = _Raw(path)
        self.file = h5py.File(self._raw, "w")

    def close(self) -> None:
        """Finish the file; raises the error of the first write that failed."""
        try:
            self.file.close()
        finally:
            self._raw.close()
        if self._raw.error is not None:
            raise self._raw.error

    def __enter__(self) -> h5py.File:
        return self.file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Raw(io.RawIOBase):
    """The bytes of the file; never raises."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("w+b", buffering=0)
        self.error: BaseException | None = None

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        count = 0 if self.error else self._stream.readinto(view)
        view[count:] = bytes(len(view) - count)
        return len(view)

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        done = 0
        try:
            while done < len(view) and self.error is None:
                done += self._stream.write(view[done:])
        except BaseException as error:  # an interrupt too: HDF5 must not meet it
            self.error = error
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        try:
            if self.error is None:
                self._stream.truncate(size)
        except BaseException as error:
            self.error = error
        return size or 0

    def close(self) -> None:
        self._stream.close()
        super().close()
