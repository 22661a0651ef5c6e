"""What lies at a path that is to be checked or scored: one file, or one per video in a folder or a zip."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from abaw_pipeline.runtime.text import File
from abaw_pipeline.tracks import Track


def opened(path: Path, track: Track) -> File | dict[str, File]:
    """The one file of a submission, which may lie in a zip; or files by video, their names without ``.txt``.

    A folder that all files of a zip are in does not count for their names.

    Raises:
        ValueError: there is nothing at ``path``, or nothing in it.
    """
    if path.is_file() and not zipfile.is_zipfile(path):
        return path
    if not path.exists():
        raise ValueError(f"{path}: no such file")
    files = dict(_below(path)) if path.is_dir() else dict(_inside(path))
    if not files:
        raise ValueError(f"{path}: there are no files in it")
    alone = next(iter(files.values())) if len(files) == 1 else None
    if alone is not None and _first_field(alone) == track.header.split(",")[0]:
        return alone
    whole = f"{track.name}{track.suffix}"
    return files[whole] if whole in files else {name.removesuffix(".txt"): file for name, file in files.items()}


def _below(folder: Path) -> Iterator[tuple[str, File]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not _hidden(name):
            yield name, path


def _inside(path: Path) -> Iterator[tuple[str, File]]:
    root = zipfile.Path(path)
    names = sorted(name for name in root.root.namelist() if not name.endswith("/") and not _hidden(name))
    tops = {name.partition("/")[0] for name in names}
    top = f"{tops.pop()}/" if len(tops) == 1 and all("/" in name for name in names) else ""
    for name in names:
        yield name.removeprefix(top), root / name


def _hidden(name: str) -> bool:
    """Whether it is a file that systems put beside what people packed."""
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _first_field(file: File) -> str:
    with file.open(encoding="utf-8-sig", errors="replace") as stream:
        return str(stream.readline()).partition(",")[0].strip()
