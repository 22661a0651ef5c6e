"""Everything in a results folder that no setting refers to, and its removal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from abaw_pipeline.cleaning.beside import earlier_settings, old_logs
from abaw_pipeline.cleaning.dataset import is_ours, unwanted
from abaw_pipeline.cleaning.places import Place, names
from abaw_pipeline.cleaning.wanted import Wanted, wanted
from abaw_pipeline.config import Config
from abaw_pipeline.runtime.files import discard
from abaw_pipeline.runtime.paths import NOT_DATASETS, Layout
from abaw_pipeline.runtime.run_lock import RunLock
from abaw_pipeline.runtime.temporaries import left_over, remove


def find(config: Config) -> list[Place]:
    """What the settings do not refer to, under their results folder, in the order of removal.

    Only what stages write is ever named: nothing that a link leads to, no file or folder of another name or kind.

    Raises:
        ValueError: the index of a data set is damaged.
    """
    results = Path(config.results)
    wants = {name: wanted(config, Layout(results, name)) for name in config.datasets}
    found = [*_of_datasets(results, wants), *old_logs(results, wants), earlier_settings(config)]
    left = tuple(left_over(results))
    found.append(Place(results, f"{len(left)} half-made files or folders of jobs that were killed", left))
    kept = (replace(place, parts=tuple(p for p in place.parts if not _by_link(p, results))) for place in found)
    return [place for place in kept if place.parts]


def _of_datasets(results: Path, wants: Mapping[str, Wanted]) -> Iterator[Place]:
    for name in names(results.resolve()):  # the folder itself may be a link
        layout = Layout(results, name)
        if name in wants:
            yield from unwanted(layout, wants[name])
        elif name not in NOT_DATASETS and is_ours(layout.home):
            parts = tuple(part for place in unwanted(layout, Wanted()) for part in place.parts)
            yield Place(layout.home, f"no data set '{name}'", parts)


def size(place: Place) -> int:
    """Bytes that the removal of a place frees."""
    files = (file for part in place.parts for file in (part, *(part.rglob("*") if part.is_dir() else ())))
    return sum(file.lstat().st_size for file in files if not file.is_dir())


def clear(config: Config, listed: Iterable[Place], failed: Callable[[Path, OSError], None]) -> int:
    """Remove what was listed and is still not referred to, and the folders that it leaves empty.

    No run may be under way on the results folder. What cannot be removed is told to ``failed``.

    Returns:
        bytes freed.

    Raises:
        ValueError: a run holds the folder.
    """
    results, freed = Path(config.results), 0
    agreed = {part for place in listed for part in place.parts}
    with RunLock(results, "abaw clean"):
        for place in find(config):
            for part in (part for part in place.parts if part in agreed):
                one = size(replace(place, parts=(part,)))
                try:
                    _remove(part)
                except OSError as error:
                    failed(part, error)
                    continue
                freed += one
                _drop_empty(part.parent, results)
    return freed


def _remove(path: Path) -> None:
    if path.name.startswith(".tmp-"):
        remove(path)
    elif path.is_dir():
        discard(path)
    else:
        path.unlink()


def _drop_empty(folder: Path, results: Path) -> None:
    while folder != results and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _by_link(path: Path, results: Path) -> bool:
    """Whether a link leads from the results folder to ``path``."""
    between = [path, *path.parents][: len(path.parts) - len(results.parts)]
    return any(part.is_symlink() for part in between)
