"""Where a data set keeps its recordings, sound and crops: folders that settings name, and what lies in them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

from abaw_pipeline.datasets.base import VIDEO_SUFFIXES, need_folder, some
from abaw_pipeline.datasets.names import clip_id
from abaw_pipeline.datasets.settings import LabelledSettings

Paths = dict[str, list[Path]]
"""Places by clip id or recording name; more than one is reported, not chosen from."""


def given_folders(settings: LabelledSettings, key: str, root: Path, where: str) -> list[Path]:
    """The folders of a setting; only those of its default may be missing.

    Args:
        where: the data set's own key, for messages.

    Raises:
        ValueError: another is missing.
    """
    usual = type(settings).model_fields[key].default
    folders = [(name, root / name) for name in getattr(settings, key)]
    wanted = [folder for name, folder in folders if name not in usual or folder.is_dir()]
    return [need_folder(folder, f"{where}.{key}") for folder in wanted]


def folders_in(places: Iterable[Path]) -> Paths:
    """Crop folders by name."""
    found: Paths = defaultdict(list)
    for place in places:
        for entry in sorted(os.scandir(place), key=lambda entry: entry.name):
            if entry.is_dir() and not entry.name.startswith("."):
                found[clip_id(entry.name)].append(place / entry.name)
    return found


def files_in(places: Iterable[Path], suffixes: Collection[str] = VIDEO_SUFFIXES) -> Paths:
    """Recordings by name without suffix (which may be upper or lower case)."""
    found: Paths = defaultdict(list)
    for place in places:
        for path in sorted(place.iterdir()):
            if path.suffix.lower() in suffixes and not path.name.startswith("."):
                found[clip_id(path.stem)].append(path)
    return found


def doubtful(found: dict[str, list[Path]]) -> str | None:
    """What is wrong where one clip has several places of a kind (``recordings``, ``crop folders``)."""
    for kind, places in found.items():
        if len(places) > 1:
            return f"{len(places)} {kind} of one name, keep one: {some([str(place) for place in places])}"
    return None
