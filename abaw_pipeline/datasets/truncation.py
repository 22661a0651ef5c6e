"""Recordings whose end is missing, told from their own statement of size before anything is decoded."""

from __future__ import annotations

import struct
from pathlib import Path

_FIRST = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
"""Box types that an MP4 or QuickTime file may begin with."""


def missing_bytes(path: Path) -> int:
    """How many bytes an MP4 or QuickTime file lacks at its end; 0 for a whole file and for every other format.

    Walks the top-level boxes (ISO/IEC 14496-12, 4.2). Decoders stop at the end of a truncated file without an
    error, so that a recording which lost its last seconds would otherwise pass for a shorter one.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        if stream.read(8)[4:] not in _FIRST:
            return 0
        start = 0
        while start + 8 <= size:
            stream.seek(start)
            length, kind = _box(stream.read(16), size - start)
            if start + length > size and kind in (b"mdat", b"moov"):
                return start + length - size
            start += length
    return 0


def _box(head: bytes, left: int) -> tuple[int, bytes]:
    """Length in bytes and type of the box that begins with ``head``; ``left`` bytes of the file remain."""
    length, kind = struct.unpack(">I4s", head[:8])
    if length == 1 and len(head) == 16:  # the length is a 64-bit number after the type
        length = struct.unpack(">Q", head[8:])[0]
    elif length == 0:  # the box reaches to the end of the file
        length = left
    return max(length, 8), kind
