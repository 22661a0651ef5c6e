"""A folder, or a list, of plain recordings: clips without labels and splits."""

from __future__ import annotations

from pathlib import Path

from abaw_pipeline.datasets.base import DataSet, need_file, need_folder
from abaw_pipeline.datasets.names import clip_id
from abaw_pipeline.datasets.settings import RecordingsSettings
from abaw_pipeline.types import Clip


def find(settings: RecordingsSettings, where: str) -> DataSet:
    """List the recordings, one clip each; the clip's id is the file's name without its suffix.

    Raises:
        ValueError: a missing folder or file, no recording at all, or two of the same name.
    """
    root = Path(settings.root or ".")
    if settings.root is not None:
        need_folder(root, f"{where}.root")
    paths = [need_file(root / name, f"{where}.files") for name in settings.files] or _in_folder(root, settings)
    if not paths:
        raise ValueError(f"{where}.root: no recording ({', '.join(settings.suffixes)}) in {root}")
    found: dict[str, Path] = {}
    for path in paths:
        name = clip_id(path.stem)
        if name in found:
            raise ValueError(f"{where}: {found[name]} and {path} give the same clip id '{name}'; rename one")
        found[name] = path
    return DataSet([Clip(id=name, recording=name, video=str(path)) for name, path in sorted(found.items())])


def _in_folder(root: Path, settings: RecordingsSettings) -> list[Path]:
    wanted = {suffix.lower() for suffix in settings.suffixes}
    return sorted(path for path in root.iterdir() if path.suffix.lower() in wanted and not path.name.startswith("."))
