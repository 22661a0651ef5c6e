"""Arrays per clip in one zarr folder: ``<store>.zarr/<escaped clip>/<array>``.

Each clip is its own zarr group, written beside its place and renamed in, so that writers of different clips never
meet and nothing half-written is ever found. The group's attributes hold ``key`` (what made it), ``content`` (digest of
its arrays), ``arrays`` (their names: a group that lost one counts as missing) and whatever the stage tells about it.
A feature is written block by block, so that a long clip takes no more memory than a short one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from abaw_pipeline.features.array_writer import ArrayWriter, finish_group
from abaw_pipeline.runtime.files import atomic, write_json
from abaw_pipeline.runtime.names import escape, unescape
from abaw_pipeline.types import FrameTable

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
        self._make_root()
        with atomic(self.path / escape(clip)) as temporary:
            written = {name: ArrayWriter(temporary, name, array.shape, array.dtype) for name, array in arrays.items()}
            for name, array in arrays.items():
                written[name].add(array)
            return finish_group(temporary, written, key, about)

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
        """``write_blocks`` of a whole table."""
        if table.values.ndim != 2:
            raise ValueError(_misfit(clip, table, "D"))
        return self.write_blocks(clip, [table], table.values.shape, key, about, dtype)

    def write_blocks(
        self,
        clip: str,
        tables: Iterable[FrameTable],
        shape: tuple[int, ...],
        key: str,
        about: Mapping[str, Any],
        dtype: str = "float32",
    ) -> str:
        """Write one clip's rows as they come, values stored as ``dtype``; returns the content digest.

        Whatever ``tables`` raises ends the writing, and nothing is kept.

        Args:
            tables: consecutive rows.
            shape: ``(n_frames, D)`` of the whole.

        Raises:
            ValueError: values not finite or too large for ``dtype``, or rows and flags that do not fit ``shape``.
        """
        self._make_root()
        with atomic(self.path / escape(clip)) as temporary:
            values = ArrayWriter(temporary, "values", shape, np.dtype(dtype))
            flags = [np.empty(0, bool)]
            for table in tables:
                if table.values.shape != (len(table.valid), *shape[1:]) or table.valid.ndim != 1:
                    raise ValueError(_misfit(clip, table, shape[1]))
                _require_count(clip, values.rows + len(table.valid) <= shape[0], shape[0])
                _require_finite(clip, "values", table.values, values.rows)
                _require_range(clip, table.values, dtype, values.rows)
                values.add(table.values.astype(dtype))
                flags.append(table.valid.astype(bool))
            valid = np.concatenate(flags)
            _require_count(clip, len(valid) == shape[0], shape[0])
            written = {"valid": ArrayWriter(temporary, "valid", valid.shape, valid.dtype), "values": values}
            written["valid"].add(valid)
            counts = {"rows": len(valid), "valid": int(valid.sum())}
            return finish_group(temporary, written, key, {**about, **counts})

    def read(self, clip: str, expected_key: str | None = None) -> FrameTable:
        """One clip's table; ``ValueError`` as ``read_arrays``."""
        arrays = self.read_arrays(clip, expected_key)
        return FrameTable(arrays["values"], arrays["valid"])


def _misfit(clip: str, table: FrameTable, width: object) -> str:
    return f"clip '{clip}': values {table.values.shape} and valid {table.valid.shape} are not (n, {width}) and (n,)"


def _require_count(clip: str, fits: bool, frames: int) -> None:
    if not fits:
        raise ValueError(f"clip '{clip}': the number of rows is not that of its {frames} frames")


def _require_finite(clip: str, name: str, array: np.ndarray, before: int = 0) -> None:
    if array.dtype.kind == "f" and not (fine := np.isfinite(array)).all():
        raise ValueError(f"clip '{clip}': {name} {_place(~fine, before)} is not finite ({_count(~fine)})")


def _require_range(clip: str, values: np.ndarray, dtype: str, before: int = 0) -> None:
    limit = float(np.finfo(dtype).max)
    if (over := np.abs(values) > limit).any():
        place = _place(over, before)
        raise ValueError(f"clip '{clip}': values {place} exceeds {dtype}'s largest ({limit:g}; {_count(over)})")


def _place(marked: np.ndarray, before: int) -> str:
    first = np.argwhere(marked)[0]
    return f"row {before + first[0]}" + (f" column {first[1]}" if len(first) > 1 else "")


def _count(marked: np.ndarray) -> str:
    return f"{int(marked.sum())} such values in {len(marked)} rows"
