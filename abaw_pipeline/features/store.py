"""Arrays per clip in one zarr folder: ``<store>.zarr/<escaped clip>/<array>``.

Each clip is its own zarr group, written beside its place and renamed in, so that writers of different clips never
meet and nothing half-written is ever found. The group's attributes hold ``key`` (what made it), ``content`` (digest of
its arrays), ``arrays`` (their names: a group that lost one counts as missing) and whatever the stage tells about it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from abaw_pipeline.runtime.files import atomic, write_json
from abaw_pipeline.runtime.keys import array_digest
from abaw_pipeline.runtime.names import escape, unescape
from abaw_pipeline.types import FrameTable

CHUNK_ROWS, SHARD_ROWS = 256, 8192
"""Long arrays: rows read at once, and rows per file."""
METADATA = "zarr.json"


class ArrayStore:
    """Named arrays of clips.

    Args:
        path: the ``.zarr`` folder; made at the first write.
        made_by: the command that makes this store's content, named when something is missing or stale.
    """

    def __init__(self, path: Path, made_by: str) -> None:
        self.path = path
        self.made_by = made_by

    def clips(self) -> list[str]:
        """Ids of the clips that have a group, sorted."""
        if not self.path.is_dir():
            return []
        return sorted(unescape(entry.name) for entry in self.path.iterdir() if entry.is_dir() and entry.name[0] != ".")

    def attributes(self, clip: str) -> dict[str, Any] | None:
        """All attributes of a clip's group; ``None`` where there is no group, or one that lost an array."""
        home = self.path / escape(clip)
        try:  # zarr 3 keeps them in this file: reading it spares opening the group
            attributes: dict[str, Any] = json.loads((home / METADATA).read_bytes())["attributes"]
        except (FileNotFoundError, ValueError, KeyError):
            return None
        whole = all((home / name / METADATA).is_file() for name in attributes.get("arrays", ()))
        return attributes if whole else None

    def key(self, clip: str) -> str | None:
        """The key a clip's arrays were made with; ``None`` where there are none."""
        return (self.attributes(clip) or {}).get("key")

    def write_arrays(self, clip: str, arrays: Mapping[str, np.ndarray], key: str, about: Mapping[str, Any]) -> str:
        """Write, or replace, all arrays of a clip; returns their content digest.

        Raises:
            ValueError: values that are not finite (clip, array and column are named).
        """
        for name, array in arrays.items():
            _require_finite(clip, name, array)
        content = array_digest(*(arrays[name] for name in sorted(arrays)))
        stamp = {"key": key, "content": content, "arrays": sorted(arrays)}
        self._make_root()
        with atomic(self.path / escape(clip)) as temporary:
            group = zarr.create_group(temporary, attributes={**about, **stamp})
            for name, array in arrays.items():
                _put(group, name, array)
        return content

    def read_arrays(self, clip: str, expected_key: str | None = None) -> dict[str, np.ndarray]:
        """All arrays of a clip by name.

        Raises:
            ValueError: no such clip, or it was made with another key; the message names the command to run.
        """
        attributes = self.attributes(clip)
        if attributes is None:
            raise ValueError(f"{self.path}: no clip '{clip}'; make it with '{self.made_by}'")
        if expected_key is not None and attributes.get("key") != expected_key:
            stale = f"{self.path}: clip '{clip}' was made from other settings or inputs"
            raise ValueError(f"{stale}; make it again with '{self.made_by}'")
        group = zarr.open_group(self.path / escape(clip), mode="r")
        return {name: np.asarray(array[:]) for name, array in group.arrays()}

    def _make_root(self) -> None:
        """Make the folder a zarr group. Writers may race: all write the same bytes, by a rename."""
        if not (self.path / METADATA).is_file():
            write_json(self.path / METADATA, {"zarr_format": 3, "node_type": "group", "attributes": {}})


class FeatureStore(ArrayStore):
    """One feature of all clips: ``values`` ``(n_frames, D)`` and ``valid`` ``(n_frames,)``."""

    def __init__(self, path: Path, made_by: str | None = None) -> None:
        # A feature store lies at <results>/<dataset>/features/<feature>.zarr.
        super().__init__(path, made_by or f"abaw extract {path.parent.parent.name} {path.stem}")

    def write(self, clip: str, table: FrameTable, key: str, about: Mapping[str, Any], dtype: str = "float32") -> str:
        """Write one clip's table, values stored as ``dtype``; returns the content digest.

        Raises:
            ValueError: values not finite or too large for ``dtype``, or as many rows as flags do not fit.
        """
        if table.values.ndim != 2 or table.valid.shape != (len(table.values),):
            raise ValueError(
                f"clip '{clip}': values {table.values.shape} and valid {table.valid.shape} are not (n, D) and (n,)"
            )
        _require_finite(clip, "values", table.values)
        _require_range(clip, table.values, dtype)
        counts = {"rows": len(table.valid), "valid": int(table.valid.sum())}
        arrays = {"values": table.values.astype(dtype), "valid": table.valid.astype(bool)}
        return self.write_arrays(clip, arrays, key, {**about, **counts})

    def read(self, clip: str, expected_key: str | None = None) -> FrameTable:
        """One clip's table; ``ValueError`` as ``read_arrays``."""
        arrays = self.read_arrays(clip, expected_key)
        return FrameTable(arrays["values"], arrays["valid"])


def _put(group: zarr.Group, name: str, array: np.ndarray) -> None:
    rows, rest = max(len(array), 1), array.shape[1:]
    if rows > SHARD_ROWS:
        group.create_array(name, data=array, chunks=(CHUNK_ROWS, *rest), shards=(SHARD_ROWS, *rest))
    else:
        group.create_array(name, data=array, chunks=(rows, *rest))


def _require_finite(clip: str, name: str, array: np.ndarray) -> None:
    if array.dtype.kind == "f" and not (fine := np.isfinite(array)).all():
        raise ValueError(f"clip '{clip}': {name} {_place(~fine)} is not finite ({_count(~fine)})")


def _require_range(clip: str, values: np.ndarray, dtype: str) -> None:
    limit = float(np.finfo(dtype).max)
    if (over := np.abs(values) > limit).any():
        raise ValueError(f"clip '{clip}': values {_place(over)} exceeds {dtype}'s largest ({limit:g}; {_count(over)})")


def _place(marked: np.ndarray) -> str:
    first = np.argwhere(marked)[0]
    return f"row {first[0]}" + (f" column {first[1]}" if len(first) > 1 else "")


def _count(marked: np.ndarray) -> str:
    return f"{int(marked.sum())} such values"
