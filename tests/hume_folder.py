"""Small folders laid out like Hume-Reaction and Hume-Vidmimic2, made for tests."""

from __future__ import annotations

from pathlib import Path

from abaw_pipeline.datasets.base import DataSet
from abaw_pipeline.datasets.hume import HumeSettings
from abaw_pipeline.datasets.hume_reaction import HumeReactionSettings
from abaw_pipeline.datasets.index import look
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.strict import parse
from tests.affwild2_folder import put

INFO = "File_ID,Split,Adoration,Amusement,Anxiety,Disgust,Empathic-Pain,Fear,Surprise,Age,Country\n"
EMI = "Filename,Admiration,Amusement,Determination,Empathic Pain,Excitement,Joy\n"
SEVEN = "0.1,0.2,0.3,0.4,0.5,0.6,0.7"
SIX = "0.1,0.2,0.3,0.4,0.5,0.6"


def reaction(root: Path, rows: str, recordings: tuple[str, ...] = ("00001", "00002", "12345")) -> Path:
    """``data_info.csv`` with rows such as ``[00001],Train,`` and seven intensities; age and country are filled in."""
    lines = [f"{row},31,Nowhere\n" for row in rows.splitlines()]
    for name in recordings:
        put(root / "mp4" / f"{name}.mp4")
    return put(root / "data_info.csv", INFO + "".join(lines))


def mimicry(root: Path, train: str, valid: str, recordings: tuple[str, ...] = ("00001", "00002", "12345")) -> Path:
    for name in recordings:
        put(root / "raw" / f"{name}.mp4")
    put(root / "train_split.csv", EMI + train)
    put(root / "valid_split.csv", EMI + valid)
    return root


def found(root: Path, settings: type[HumeSettings] = HumeReactionSettings, **more: object) -> DataSet:
    """What the adapter finds, content digests filled in."""
    raw = {"adapter": settings.model_fields["adapter"].annotation.__args__[0], "root": str(root), **more}
    return look("hume", parse(settings, raw, "config.yaml", ("datasets", "hume")), Layout(root.parent / "out", "hume"))


def reasons(data: DataSet) -> dict[str, str]:
    return {row.clip: row.reason for row in data.skipped}
