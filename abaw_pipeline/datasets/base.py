"""What an adapter finds: clips, their labels and sample files, and what is wrong with the clips left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from abaw_pipeline.types import Clip, Skipped

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm")
STAGE = "index"


@dataclass(frozen=True)
class Note:
    """Something odd that an adapter met and settled.

    Attributes:
        rank: ``warning`` where data are lost or changed by it, else ``note``.
        where: file, and line where there is one (``file: line 3``); or the clip.
        what: what is odd. then: what is done about it.
    """

    rank: Literal["warning", "note"]
    where: str
    what: str
    then: str
    clip: str | None = None

    @property
    def text(self) -> str:
        return f"{self.where}: {self.what}; {self.then}"


@dataclass
class DataSet:
    """One data set as its adapter sees it, content digests not yet filled in.

    Attributes:
        refused: why the data set as a whole can not be used, one line each; ``abaw index`` stops at the first.
        files: by task and clip the annotation file, where each clip has its own: row ``i`` stands on line ``i + 2``.

    ``labels[task][clip]`` has shape ``(rows, task.width)``, float32; row ``i`` is frame number ``i + 1``.
    """

    clips: list[Clip] = field(default_factory=list)
    labels: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    samples: dict[str, Path] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    files: dict[str, dict[str, Path]] = field(default_factory=dict)


def need_folder(path: Path, key: str) -> Path:
    """``path``, which must be a folder; the error names the setting ``key`` that said so."""
    if not path.is_dir():
        raise ValueError(f"{key}: no folder {path}; correct the setting or put the data there")
    return path


def need_file(path: Path, key: str) -> Path:
    """``path``, which must be a file; the error names the setting ``key`` that said so."""
    if not path.is_file():
        raise ValueError(f"{key}: no file {path}; correct the setting or put the file there")
    return path


def some(items: list[str], most: int = 3) -> str:
    """The first few of a list in words: ``a, b, c and 4 more``."""
    more = len(items) - most
    return ", ".join(items[:most]) + (f" and {more} more" if more > 0 else "")
