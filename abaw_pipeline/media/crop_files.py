"""Folders of official face crops: which file is which frame."""

from __future__ import annotations

import os
from pathlib import Path

SUFFIXES = (".jpg", ".jpeg", ".png")


def list_crops(folder: str) -> dict[int, str]:
    """File names of a crop folder by frame number (``00001.jpg`` is frame 1), ascending.

    Files of other kinds and hidden files are no crops and are passed over.

    Raises:
        ValueError: no such folder, a picture whose name is no number from 1, or two pictures of one number.
    """
    if not Path(folder).is_dir():
        raise ValueError(f"{folder}: no such crop folder")
    found: dict[int, str] = {}
    for name in sorted(entry.name for entry in os.scandir(folder)):
        stem, dot, suffix = name.rpartition(".")
        if name.startswith(".") or (dot + suffix).lower() not in SUFFIXES:
            continue
        if not (stem.isascii() and stem.isdigit()) or int(stem) < 1:
            raise ValueError(f"{folder}: {name} is no crop, they are numbered from 00001; rename or remove it")
        if int(stem) in found:
            raise ValueError(f"{folder}: {found[int(stem)]} and {name} have the same number; remove one")
        found[int(stem)] = name
    return dict(sorted(found.items()))
