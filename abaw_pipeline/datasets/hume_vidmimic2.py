"""Hume-Vidmimic2: clips of people who mimic somebody, six emotional intensities each (track EMI)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from abaw_pipeline.datasets.base import DataSet, need_file, need_folder
from abaw_pipeline.datasets.hume import HumeSettings, joined
from abaw_pipeline.datasets.intensities import Intensities
from abaw_pipeline.tasks import TASKS


class HumeVidmimic2Settings(HumeSettings):
    """A folder laid out like Hume-Vidmimic2."""

    adapter: Literal["hume_vidmimic2"]
    annotations: dict[Literal["train", "val", "test"], str] = {"train": "train_split.csv", "val": "valid_split.csv"}
    """By split a table with the column ``Filename`` and six intensities; of test clips the ids alone are read, and
    those of the sample file are test clips, too."""

    @property
    def own(self) -> list[str]:
        return ["emi"]

    @property
    def watched(self) -> list[str]:
        return [*super().watched, *self.annotations.values()]


def find(settings: HumeVidmimic2Settings, where: str) -> DataSet:
    """List the clips of the data set (see ``hume.joined``).

    Args:
        where: the settings' own key (``datasets.hume_vidmimic2``), for messages.

    Raises:
        ValueError: a missing folder or file.
    """
    root = need_folder(Path(settings.root), f"{where}.root")
    told = Intensities(TASKS["emi"])
    for split, name in settings.annotations.items():
        told.read(need_file(root / name, f"{where}.annotations.{split}"), split)
    return joined(settings, root, told, where)
