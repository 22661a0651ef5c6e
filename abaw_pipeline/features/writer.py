"""Tables are written in a thread of their own, so that the next clip is computed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from queue import Queue
from threading import Thread
from types import TracebackType

from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.types import FrameTable

WAITING = 2048
"""Rows that wait to be written; with as many, no more are taken."""

Made = tuple[str, int, FrameTable | ValueError]
"""A clip, its number of frames, and its next rows; or the error that ends it, after which it gives none."""


class _Queue(Queue["Made | None"]):
    """A queue whose size is told in rows; what has none counts as one."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self._rows = 0

    def _qsize(self) -> int:
        return self._rows

    def _put(self, item: Made | None) -> None:
        super()._put(item)
        self._rows += _rows(item)

    def _get(self) -> Made | None:
        item: Made | None = super()._get()
        self._rows -= _rows(item)
        return item


def _rows(made: Made | None) -> int:
    return len(made[2].valid) if made is not None and isinstance(made[2], FrameTable) else 1


class _Abandoned(Exception):
    """No further rows come: what was begun is dropped."""


class Writer:
    """Calls ``write(clip, frames, tables)`` for one clip after the other; use as a context manager.

    Clips of which all rows were put are written, even where an error ends the block. An error of ``write`` that is no
    ``ValueError`` is raised by the next ``put``, or at the end of the block.

    Args:
        clips: in the order in which their rows will be put.
        what: the name of the progress bar.
    """

    def __init__(
        self, clips: Sequence[str], write: Callable[[str, int, Iterator[FrameTable]], None], what: str
    ) -> None:
        self.failed: dict[str, ValueError] = {}
        """Clips that could not be computed or written, and why."""
        self._clips, self._write, self._what = clips, write, what
        self._queue = _Queue(WAITING)
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name="writer", daemon=True)

    def put(self, made: Made) -> None:
        """The next rows; waits while too many wait already."""
        if self._error is not None:
            raise self._error
        self._queue.put(made)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._queue.put(None)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            for clip in progress(self._clips, self._what):
                self._one(clip)
            return  # the end of the block is not waited for
        except _Abandoned:
            return
        except BaseException as error:
            self._error = error
        while self._queue.get() is not None:  # nobody must wait for a place in the queue
            pass

    def _one(self, clip: str) -> None:
        made = self._next()
        tables = self._tables(made)
        try:
            self._write(clip, made[1], tables)
        except ValueError as error:
            self.failed[clip] = error
            self._drop(tables)

    def _drop(self, tables: Iterator[FrameTable]) -> None:
        """Let the further rows of a clip go that cannot be written."""
        try:
            for _ in tables:
                pass
        except ValueError:
            pass  # it could not have been computed either

    def _tables(self, made: Made) -> Iterator[FrameTable]:
        rows = 0
        while True:
            _, frames, table = made
            if isinstance(table, ValueError):
                raise table
            yield table
            rows += len(table.valid)
            if rows >= frames:
                return
            made = self._next()

    def _next(self) -> Made:
        made = self._queue.get()
        if made is None:
            raise _Abandoned
        return made
