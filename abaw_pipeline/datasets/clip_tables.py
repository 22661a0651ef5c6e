"""Tables of clips of any form: where recordings and crops lie, the split, and who must stay together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Literal

from pydantic import Field, model_validator

from abaw_pipeline.datasets.base import Note, need_file
from abaw_pipeline.datasets.columns import Cells, cell, need_columns, read_csv
from abaw_pipeline.datasets.names import clip_id
from abaw_pipeline.datasets.tables import as_number, known_split
from abaw_pipeline.strict import Strict
from abaw_pipeline.types import Clip, Split


class ClipTable(Strict):
    """A CSV file with a row per clip. A column is named as it stands in the file's first line; a text with columns in
    braces takes their cells: ``videos/{person}/{part}.mp4``."""

    file: str
    separator: str = Field(default=",", min_length=1, max_length=1)
    clip: str = "clip"
    recording: str | None = None
    """Path of the recording, relative to ``root``; of a clip that has none the cell is empty."""
    crops: str | None = None
    """Folder of face crops (``00001.jpg`` ...); the same rule."""
    split: str | None = None
    splits: dict[str, Literal["train", "val", "test"]] = {}
    """What stands in the file for a split, where it is not ``train``, ``val`` or ``test``."""
    group: str | None = None
    """Whose clips stay together in folds, as those of one person; without it, those of one recording do."""
    rate: str | None = None
    """Frames a second of a clip without a recording of pictures; where the cell is empty, that of the data set."""
    side: str | None = None
    """``left`` or ``right`` of two people in one recording, else empty."""

    @property
    def named(self) -> dict[str, str | None]:
        """Columns by setting."""
        return {key: getattr(self, key) for key in ("clip", "recording", "crops", "split", "group", "rate", "side")}

    @model_validator(mode="after")
    def _some_material(self) -> ClipTable:
        if self.recording is None and self.crops is None:
            raise ValueError("name the column of 'recording', of 'crops', or of both")
        return self


@dataclass(frozen=True)
class Listed:
    """A clip with the split of its row (empty: none) and its line."""

    clip: Clip
    split: Split
    line: int


@dataclass
class Listing:
    """What a table of clips says; ``faults``: what is wrong with clips that can not be used."""

    path: Path
    clips: dict[str, Listed] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def read_listing(table: ClipTable, root: Path, rate: float | None, where: str) -> Listing:
    """Every row of the table; what it names is looked for.

    Args:
        rate: frames a second where a row tells none.
        where: the settings' own key (``datasets.mine.clips``), for messages.

    Raises:
        ValueError: no such file, columns that are missing, or no rows.
    """
    path = need_file(root / table.file, f"{where}.file")
    broken: list[tuple[int, str]] = []
    header, rows = read_csv(path, table.separator, broken)
    need_columns(table.named, header, path)
    found = Listing(path)
    for line, cells in rows:
        name = clip_id(cell(table.clip, cells))
        if not name:
            broken.append((line, "no name of a clip"))
            continue
        try:
            _add(found, name, Listed(_clip(name, table, cells, root, rate), _split(table, cells), line))
        except ValueError as error:
            found.faults.setdefault(name, f"{path}: line {line}: {error}")
    if not found.clips and not found.faults:
        raise ValueError(f"{path}: line 2: no rows after the header")
    found.notes += [Note("warning", f"{path}: line {line}", what, "the row is left out") for line, what in broken]
    found.clips = {name: listed for name, listed in found.clips.items() if name not in found.faults}
    return found


def places(table: ClipTable, root: Path) -> list[str]:
    """Folders in which recordings and crop folders lie, relative to ``root``; none where the table can not be read."""
    try:
        header, rows = read_csv(root / table.file, table.separator)
        need_columns(table.named, header, root / table.file)
        texts = [cell(column, cells) for _, cells in rows for column in (table.recording, table.crops) if column]
    except (OSError, ValueError):  # the index says what is wrong
        return []
    return sorted({str(PurePath(text).parent) for text in texts if text})


def _add(found: Listing, name: str, listed: Listed) -> None:
    first = found.clips.setdefault(name, listed)
    if first is listed:
        return
    if first.clip != listed.clip:
        raise ValueError(f"clip '{name}' stands in line {first.line} with other content; keep one of the rows")
    here = f"{found.path}: line {listed.line}"
    if first.split != listed.split:
        found.refused.append(f"{here}: clip '{name}' is '{listed.split}', and '{first.split}' in line {first.line}")
    else:
        found.notes.append(Note("note", here, f"clip '{name}' again, as in line {first.line}", "counted once", name))


def _clip(name: str, table: ClipTable, cells: Cells, root: Path, rate: float | None) -> Clip:
    recording = cell(table.recording, cells) if table.recording else ""
    crops = cell(table.crops, cells) if table.crops else ""
    if not recording and not crops:
        raise ValueError("neither a recording nor crops")
    side = cell(table.side, cells) if table.side else ""
    if side not in ("", "left", "right"):
        raise ValueError(f"side '{side}' is neither left nor right")
    return Clip(
        id=name,
        recording=str(PurePath(recording).with_suffix("")) if recording else name,
        video=_there(root, recording, "recording", Path.is_file),
        crops=_there(root, crops, "crop folder", Path.is_dir),
        rate=_rate(cell(table.rate, cells) if table.rate else "", rate),
        side=side or None,
        group=(cell(table.group, cells) if table.group else "") or None,
    )


def _there(root: Path, name: str, what: str, there: Callable[[Path], bool]) -> str | None:
    if not name:
        return None
    if not there(root / name):
        raise ValueError(f"no {what} {root / name}")
    return str(root / name)


def _rate(text: str, usual: float | None) -> float | None:
    rate = as_number(text)
    if text and not rate > 0:
        raise ValueError(f"rate '{text}' is not a number above 0")
    return usual if math.isnan(rate) else rate


def _split(table: ClipTable, cells: Cells) -> Split:
    text = cell(table.split, cells) if table.split else ""
    return known_split(table.splits.get(text, text))
