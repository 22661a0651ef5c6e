"""Pictures of one clip packed into one file, written in blocks so that memory does not grow with the clip."""

from __future__ import annotations

import hashlib
import json
from array import array
from pathlib import Path
from types import TracebackType

import numpy as np

from abaw_pipeline.runtime.code import library_text
from abaw_pipeline.runtime.hdf5 import Hdf5Writer

BLOCK = 1 << 20
"""Bytes that are gathered before they are written."""


class PictureWriter:
    """Writes ``jpeg`` (encoded pictures end to end, uint8), ``offsets`` ``(n+1,)`` int64 and ``valid`` ``(n,)`` bool.

    With ``with_boxes`` also ``boxes`` ``(n, 4)`` float32: x, y, width, height in pixels of the recording, NaN where
    there is none. ``content`` is the digest of what features read: pictures and ``valid``.

    Args:
        made_by: the module of the package that makes the pictures; its libraries are noted.
        about: further attributes of the file.
    """

    def __init__(
        self, path: Path, key: str, made_by: str, notes: list[str], with_boxes: bool = False, **about: str
    ) -> None:
        self._writer = Hdf5Writer(path)
        self._file = self._writer.file
        self._bytes = self._file.create_dataset("jpeg", (0,), "u1", maxshape=(None,), chunks=(BLOCK,))
        self._attributes = {"key": key, "libraries": library_text(made_by), **about}
        self._notes, self._with_boxes = notes, with_boxes
        self._block, self._sha = bytearray(), hashlib.sha256()
        self._offsets, self._boxes = array("q", [0]), array("f")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def add(self, picture: bytes | None, box: np.ndarray | None = None) -> None:
        """The next frame: an encoded picture, or None where there is none."""
        if picture is not None:
            self._block += picture
            self._sha.update(picture)
        self._offsets.append(self._offsets[-1] + len(picture or b""))
        if self._with_boxes:
            self._boxes.extend([np.nan] * 4 if box is None else box.tolist())
        if len(self._block) >= BLOCK:
            self._flush()

    def _flush(self) -> None:
        start = self._bytes.shape[0]
        self._bytes.resize(start + len(self._block), axis=0)
        self._bytes[start:] = np.frombuffer(self._block, np.uint8)
        self._block = bytearray()

    def _finish(self) -> None:
        self._flush()
        offsets = np.array(self._offsets)
        self._file["offsets"], self._file["valid"] = offsets, np.diff(offsets) > 0
        if self._with_boxes:
            self._file["boxes"] = np.array(self._boxes, np.float32).reshape(-1, 4)
        self._sha.update(offsets.tobytes())
        self._file.attrs.update(self._attributes, content=self._sha.hexdigest(), notes=json.dumps(self._notes))

    def __enter__(self) -> PictureWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._writer.close()
