"""How much memory a training asks of a cluster, from the manifests of the features it reads. Imports no torch."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_ITEMSIZE = {"float16": 2, "float32": 4}

BASE_MB = 4000
"""The interpreter, torch, a CUDA context, activations on the CPU."""
FACTOR = 1.25
"""Memory over the bytes of the table: flags, labels and row numbers of every frame, one clip being joined."""


@dataclass(frozen=True)
class Extent:
    """Size of one feature over all clips; ``itemsize`` is bytes of one value as stored (float16: 2, float32: 4)."""

    rows: int
    dimension: int
    itemsize: int


def training_mb(*datasets: Iterable[Extent]) -> int:
    """Megabytes (10**6 bytes) for features held side by side in one table, in the widest of their types.

    Args:
        datasets: the features of each data set, one under the other in the table.
    """
    tables = [list(extents) for extents in datasets]
    rows = sum(max(extent.rows for extent in extents) for extents in tables)
    dimension = sum(extent.dimension for extent in tables[0])
    table = rows * dimension * max(extent.itemsize for extent in tables[0])
    return BASE_MB + round(FACTOR * table / 1e6)


def manifests_mb(*datasets: Iterable[str]) -> int:
    """``training_mb`` of the features of each data set, whose manifests lie at these paths.

    Raises:
        FileNotFoundError: a manifest is not there yet; Snakemake then asks again when it is.
    """
    return training_mb(*([_extent(path) for path in paths] for paths in datasets))


def _extent(path: str) -> Extent:
    about = os.stat(path)  # noqa: PTH116  # not Path.stat: Snakemake compares the name in the error with the input as a string
    return _read(path, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=1024)
def _read(path: str, mtime_ns: int, size: int) -> Extent:
    """Every training asks, so a manifest is parsed once as long as it does not change."""
    manifest = json.loads(Path(path).read_text(encoding="utf-8"))
    spec = manifest["about"]["spec"]
    rows = sum(int(clip["rows"]) for clip in manifest["clips"].values())
    return Extent(rows, int(spec["dimension"]), _ITEMSIZE[spec["dtype"]])
