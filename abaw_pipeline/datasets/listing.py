"""A quick digest of what a data set's folders hold, for the moment in which a workflow is planned.

Nothing is read: names, sizes and times only. The index itself goes by content.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from abaw_pipeline.datasets.affwild2 import SETS
from abaw_pipeline.datasets.settings import Affwild2Settings, DatasetSettings
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
    if isinstance(settings, Affwild2Settings):
        entries = _affwild2(settings, root)
    elif settings.files:
        entries = (_entry(root / name, name) for name in settings.files)
    else:
        entries = _inside(root, root)
    return digest(sorted(entries))


def _affwild2(settings: Affwild2Settings, root: Path) -> Iterator[Entry]:
    for task in settings.tasks:
        for folder in TASKS[task].folders:
            for name in SETS:
                yield from _inside(root / settings.annotations / folder / name, root)
    for name in [*settings.recordings, *settings.crops]:
        yield from _inside(root / name, root)
    for name in [*settings.test_lists.values(), *settings.samples.values()]:
        yield _entry(root / name, name)
    for own, name in settings.tables.items():
        yield f"{name} as {digest(table_meaning(TASKS[own]))}", _entry(root / name, name)[1]


def _inside(folder: Path, root: Path) -> Iterator[Entry]:
    """One entry for everything directly in a folder; none where the folder is missing."""
    if not folder.is_dir():
        return
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
