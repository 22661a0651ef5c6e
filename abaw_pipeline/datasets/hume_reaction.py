"""Hume-Reaction: clips of people who watch something, seven emotional intensities each (track ERI).

Its tables come as ``data_info.csv`` (``File_ID,Split`` and the intensities, in any order) or as ``labels.csv`` with
``partition.csv``. Some clips have sound and no picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from abaw_pipeline.datasets.base import DataSet, need_file, need_folder
from abaw_pipeline.datasets.hume import HumeSettings, joined
from abaw_pipeline.datasets.intensities import Intensities
from abaw_pipeline.tasks import TASKS

_LAYOUTS = (("data_info.csv",), ("labels.csv", "partition.csv"))


class HumeReactionSettings(HumeSettings):
    """A folder laid out like Hume-Reaction."""

    adapter: Literal["hume_reaction"]
    annotations: list[str] = []
    """Tables of ids, splits and intensities, joined by id; empty: ``data_info.csv``, or ``labels.csv`` with
    ``partition.csv``, whichever is there."""

    @property
    def own(self) -> list[str]:
        return ["eri"]

    @property
    def watched(self) -> list[str]:
        return [*super().watched, *(self.annotations or [name for layout in _LAYOUTS for name in layout])]


def find(settings: HumeReactionSettings, where: str) -> DataSet:
    """List the clips of the data set (see ``hume.joined``).

    Args:
        where: the settings' own key (``datasets.hume_reaction``), for messages.

    Raises:
        ValueError: a missing folder or file, or tables in both layouts of which the settings name none.
    """
    root = need_folder(Path(settings.root), f"{where}.root")
    told = Intensities(TASKS["eri"])
    for name in settings.annotations or _layout(root, where):
        told.read(need_file(root / name, f"{where}.annotations"))
    return joined(settings, root, told, where)


def _layout(root: Path, where: str) -> tuple[str, ...]:
    """The tables that are there."""
    there = [layout for layout in _LAYOUTS if (root / layout[0]).is_file()]
    if not there:
        raise ValueError(
            f"{where}.annotations: neither {root / 'data_info.csv'} nor {root / 'labels.csv'}; name the tables"
        )
    if len(there) > 1:
        raise ValueError(f"{where}.annotations: both data_info.csv and labels.csv are in {root}; name those to be read")
    return there[0]
