"""What of the layout lies on disk. A link, or anything else that no stage wrote, is as good as not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STORE = ".zarr"


@dataclass(frozen=True)
class Place:
    """Something that a stage wrote and nothing refers to.

    ``parts`` are what is removed, in this order: what says that something is there goes before what is there.
    """

    path: Path
    reason: str
    parts: tuple[Path, ...]


def names(folder: Path, end: str = "", files: bool = False) -> list[str]:
    """Names in a folder (sub-folders, or files) that end in ``end``, without it, sorted; none through a link."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if path.name.endswith(end) and path.name[0] != ".")
    kept = (path for path in found if not path.is_symlink() and (path.is_file() if files else path.is_dir()))
    return sorted(path.name.removesuffix(end) for path in kept)


def present(*paths: Path) -> tuple[Path, ...]:
    """Those files that are there and are no links."""
    return tuple(path for path in paths if path.is_file() and not path.is_symlink())


def groups(store: Path) -> Iterator[str]:
    """Names of the clip groups of a store."""
    for name in names(store):
        if "key" in read_object(store / name / "zarr.json").get("attributes", {}):
            yield name


def store_parts(store: Path) -> tuple[Path, ...]:
    """A whole store: its root and every clip; nothing where it is none of ours."""
    root = store / "zarr.json"
    if read_object(root) != {"attributes": {}, "node_type": "group", "zarr_format": 3}:
        return ()
    return (root, *(store / name for name in groups(store)))


def is_manifest(path: Path) -> bool:
    return bool(present(path)) and set(read_object(path)) == {"about", "clips", "skipped"}


def manifests(*paths: Path) -> tuple[Path, ...]:
    """Those that are there and are manifests."""
    return tuple(path for path in paths if is_manifest(path))


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object; an empty one where there is none."""
    if not present(path):
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
