"""Arrays of a zarr group that are written and digested as their rows come."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from abaw_pipeline.runtime.keys import digest

CHUNK_ROWS, SHARD_ROWS = 256, 2048
"""Long arrays: rows read at once, and rows per file."""


class ArrayWriter:
    """One array of a group under way: its rows are written shard by shard, and digested as they come."""

    def __init__(self, group: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        rows, rest = max(shape[0], 1), shape[1:]
        chunks, shards = ((CHUNK_ROWS, *rest), (SHARD_ROWS, *rest)) if rows > SHARD_ROWS else ((rows, *rest), None)
        self._array = zarr.create_array(group / name, shape=shape, dtype=dtype, chunks=chunks, shards=shards)
        self._sha = hashlib.sha256(f"{dtype.str}{shape}".encode())
        self._waiting: list[np.ndarray] = []
        self._written = 0
        self.rows = 0
        """Rows that were added."""

    def add(self, block: np.ndarray) -> None:
        """The next rows."""
        self._sha.update(np.ascontiguousarray(block).data)
        self._waiting.append(block)
        self.rows += len(block)
        if self.rows - self._written >= SHARD_ROWS:
            self._flush(self.rows - self.rows % SHARD_ROWS)

    def _flush(self, until: int) -> None:
        block = np.concatenate(self._waiting) if len(self._waiting) != 1 else self._waiting[0]
        count = until - self._written
        if count:
            self._array[self._written : until] = block[:count]
        self._waiting, self._written = [block[count:].copy()], until

    def finish(self) -> str:
        """Write what waits; returns the digest of dtype, shape and all rows (as ``array_digest``)."""
        if self._waiting:
            self._flush(self.rows)
        return self._sha.hexdigest()


def finish_group(group: Path, arrays: Mapping[str, ArrayWriter], key: str, about: Mapping[str, Any]) -> str:
    """End every array, then describe the group; returns its content digest."""
    content = digest({name: array.finish() for name, array in arrays.items()})
    zarr.create_group(group, attributes={**about, "key": key, "content": content, "arrays": sorted(arrays)})
    return content
