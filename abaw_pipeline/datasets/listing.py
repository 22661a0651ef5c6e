"""A quick digest of what a data set's folders hold, for the moment in which a workflow is planned.

Nothing is read: names, sizes and times only. The index itself goes by content.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from abaw_pipeline.datasets.registry import DatasetSettings
from abaw_pipeline.datasets.tables import table_meaning
from abaw_pipeline.runtime.digests import stamp_of
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.tasks import TASKS

Entry = tuple[str, str]


def listing_digest(settings: DatasetSettings) -> str:
    """Digest of relative path, size and times of annotations, recordings, lists, tables and sample files.

    A crop folder counts by its name and times, which change when a crop comes or goes; a crop
    overwritten in place is noticed by the next ``abaw index``. Empty where the data set's folder is missing.
    """
    root = Path(settings.root or ".")
    if not root.is_dir():
        return ""
    entries = [entry for name in settings.watched for entry in _entries(root, name)]
    meant = [(f"labels of {task}", digest(table_meaning(TASKS[task]))) for task in settings.labelled]
    return digest(sorted([*entries, *meant]))


def _entries(root: Path, name: str) -> Iterable[Entry]:
    """A file, or what lies directly in a folder."""
    place = root / name
    return _inside(place, root) if place.is_dir() else [_entry(place, name)]


def _inside(folder: Path, root: Path) -> Iterator[Entry]:
    """One entry for everything directly in a folder."""
    start = os.path.relpath(folder, root)
    with os.scandir(folder) as found:
        for item in found:
            if not item.name.startswith("."):
                yield f"{start}/{item.name}", stamp_of(item.stat())


def _entry(path: Path, name: str) -> Entry:
    try:
        status = path.stat()
    except FileNotFoundError:
        return name, "missing"
    return name, stamp_of(status)
