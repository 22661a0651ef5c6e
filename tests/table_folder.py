"""Small folders with a table of clips, made for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from abaw_pipeline.datasets.base import DataSet
from abaw_pipeline.datasets.table import TableSettings, find
from abaw_pipeline.strict import parse
from tests.affwild2_folder import put
from tests.media_fixtures import flashes, steady, write_clip

CLIPS = (
    "name,film,set,who\na,films/a.mp4,train,p1\nb,films/b.mp4,train,p1\nc,films/c.mp4,val,p2\nd,films/d.mp4,test,p3\n"
)
COLUMNS = {"file": "clips.csv", "clip": "name", "recording": "film", "split": "set", "group": "who"}


def folder(base: Path, clips: str = CLIPS) -> Path:
    """Four clips of half a second: 25 Hz, but ``b`` 30 Hz; ``p1`` has two of them."""
    put(base / "clips.csv", clips)
    (base / "films").mkdir()
    for name, rate in {"a": 25, "b": 30, "c": 25, "d": 25}.items():
        times = steady(rate, 0.5)
        write_clip(base / "films" / f"{name}.mp4", times, flashes(len(times), []))
    return base


def settings(base: Path, **more: Any) -> TableSettings:
    raw = {"adapter": "table", "root": str(base), **more}
    raw["clips"] = COLUMNS | more.get("clips", {})
    return parse(TableSettings, raw, "config.yaml", ("datasets", "mine"))


def look(base: Path, **more: Any) -> DataSet:
    return find(settings(base, **more), "datasets.mine")


def reasons(found: DataSet) -> dict[str, str]:
    return {row.clip: row.reason for row in found.skipped}


def texts(found: DataSet) -> list[str]:
    return [note.text for note in found.notes]
