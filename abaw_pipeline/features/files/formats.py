"""How teams keep features: one reader a format. Nothing here executes what is in a file, ``pickled`` apart.

A reader takes the path, the name of the array in it, and the name of the array or column of times. It raises
``ValueError`` for what it cannot use, without the path, which its caller knows.
Shape letters: n rows, D feature dimension.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

BESIDE_FEATURES = ("segment_id",)
"""Columns of a MuSe table that are no feature."""
TIMES_COLUMN = "timestamp"


@dataclass(frozen=True)
class Rows:
    """What a file says of one clip."""

    values: np.ndarray
    """``(n, D)``, of the file's own type."""
    numbers: np.ndarray | None = None
    """``(n,)`` frame numbers, increasing, where rows are named by them."""
    times: np.ndarray | None = None
    """``(n,)`` in the file's own unit, where it gives them."""


Reader = Callable[[Path, str | None, str | None], Rows]


def npy(path: Path, array: str | None, times: str | None) -> Rows:
    return Rows(_numbers_of(np.load(path, allow_pickle=False)))


def npz(path: Path, array: str | None, times: str | None) -> Rows:
    with np.load(path, allow_pickle=False) as arrays:
        names = [name for name in arrays.files if name != times]
        if array is None and len(names) != 1:
            raise ValueError(f"it holds {_listed(names)}; name one with 'array'")
        name = array or names[0]
        return Rows(_entry(arrays, name), times=None if times is None else _entry(arrays, times))


def table(path: Path, array: str | None, times: str | None) -> Rows:
    """A MuSe table: a header, ``timestamp``, ``segment_id``, then one column a feature; an empty cell is NaN."""
    with path.open(newline="", encoding="utf-8-sig") as stream:
        lines = csv.reader(stream)
        header = [name.strip() for name in next(lines, [])]
        wanted = [column for column, name in enumerate(header) if name not in BESIDE_FEATURES]
        cells = [[_number(line, column, lines.line_num) for column in wanted] for line in lines if line]
    names = [header[column] for column in wanted]
    clock = times or TIMES_COLUMN
    if times is not None and times not in names:
        raise ValueError(f"no column '{times}', it has {_listed(header)}")
    whole = np.asarray(cells, np.float64).reshape(len(cells), len(names))
    features = [column for column, name in enumerate(names) if name != clock]
    return Rows(whole[:, features], times=whole[:, names.index(clock)] if clock in names else None)


def hdf5(path: Path, array: str | None, times: str | None) -> Rows:
    """A data set ``(n, D)``, or a group of one data set ``(D,)`` a frame (``video/00001``)."""
    import h5py

    with h5py.File(path, "r") as file:
        found = _member(file, array or "/")
        clock = None if times is None else np.asarray(_member(file, times))
        if isinstance(found, h5py.Dataset):
            return Rows(_numbers_of(found[()]), times=clock)
        return _named(((name, found[name][()]) for name in found), clock)


def folder(path: Path, array: str | None, times: str | None) -> Rows:
    """A folder of one ``.npy`` file ``(D,)`` a frame (``00001.npy``)."""
    if not path.is_dir():
        raise ValueError("no such folder")
    files = (file for file in path.iterdir() if file.suffix == ".npy")
    return _named((file.stem, np.load(file, allow_pickle=False)) for file in files)


def pickled(path: Path, array: str | None, times: str | None) -> Rows:
    """An array ``(n, D)``, a mapping of frame numbers to vectors ``(D,)``, or a mapping that holds either by name.

    WARNING: reading a pickle executes whatever its author put into it. Only a file of your own making, or of someone
    whom you would give your account to, should be read so; write it as ``.npz`` once and use that.
    """
    import pickle

    try:
        with path.open("rb") as stream:
            found = pickle.load(stream)
    except Exception as error:  # of whatever the pickle calls
        raise ValueError(f"it cannot be unpickled ({type(error).__name__}: {error})") from None
    clock = None if times is None else np.asarray(_entry(found, times))
    found = found if array is None else _entry(found, array)
    return _named(found.items(), clock) if isinstance(found, dict) else Rows(_numbers_of(found), None, clock)


READERS: dict[str, Reader] = {
    "npy": npy,
    "npz": npz,
    "csv": table,
    "h5": hdf5,
    "frames": folder,
    "pickle": pickled,
}


def _named(items: Iterable[tuple[Any, Any]], times: np.ndarray | None = None) -> Rows:
    """Rows whose names are frame numbers, in the order of these."""
    rows: dict[int, np.ndarray] = {}
    for name, vector in items:
        if not str(name).isdecimal():
            raise ValueError(f"'{name}' is no frame number")
        if int(name) in rows:
            raise ValueError(f"frame number {int(name)} is there twice")
        rows[int(name)] = _numbers_of(vector).reshape(-1)
    if len({len(row) for row in rows.values()}) > 1:
        raise ValueError("its frames have vectors of different lengths")
    numbers = np.array(sorted(rows), np.int64)
    return Rows(np.stack([rows[n] for n in numbers]) if rows else np.empty((0, 0)), numbers, times)


def _numbers_of(found: Any) -> np.ndarray:
    values = np.asarray(found)
    if values.dtype.kind not in "fiu":
        raise ValueError(f"it holds {values.dtype}, not numbers")
    return values


def _entry(arrays: Any, name: str) -> Any:
    try:
        return arrays[name]
    except (KeyError, IndexError, TypeError):
        names = list(arrays) if hasattr(arrays, "keys") else []
        raise ValueError(f"no '{name}' in it, it has {_listed(names)}") from None


def _member(file: Any, name: str) -> Any:
    if name not in file:
        raise ValueError(f"no '{name}' in it, it has {_listed(list(file))}")
    return file[name]


def _number(line: list[str], column: int, number: int) -> float:
    if column >= len(line):
        raise ValueError(f"line {number} has {len(line)} cells, fewer than the header")
    try:
        return float(line[column]) if line[column].strip() else np.nan
    except ValueError:
        raise ValueError(f"line {number}: '{line[column]}' is not a number") from None


def _listed(names: Iterable[Any]) -> str:
    known = [str(name) for name in names]
    return ", ".join(known[:5]) + (f" and {len(known) - 5} more" if len(known) > 5 else "") or "nothing"
