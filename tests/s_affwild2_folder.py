"""Small folders laid out like s-Aff-Wild2, made for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from abaw_pipeline.datasets.s_affwild2 import SAffwild2Settings
from abaw_pipeline.strict import parse
from tests.affwild2_folder import put

HEADER = "image,valence,arousal,expression,aus"
NO_UNITS = (-1,) * 12
UNITS = (0, 1) * 6


def row(
    name: str, va: tuple[float, float] = (-5, -5), expr: float = -1, au: Sequence[float] = NO_UNITS, end: str = ""
) -> str:
    """One row of an annotation file or a submission, by default without any annotation."""
    return ",".join([name, *(f"{value:g}" for value in (*va, expr, *au))]) + end


def text(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def folder(base: Path, train: Sequence[str] = (), val: Sequence[str] = ()) -> Path:
    """A training clip ``7`` with crops and a recording, a validation clip with crops alone, a test clip ``99_left``.

    Args:
        train, val: rows beside one of each of these clips.
    """
    put(base / "training_set_annotations.txt", text(row("7/00001.jpg", (0.5, -0.5), 3, UNITS), *train))
    put(base / "validation_set_annotations.txt", text(row("8-14-640x360/00009.jpg", expr=2), *val))
    put(base / "sample.txt", text("99_left/00004.jpg,", "99_left/00012.jpg,"))
    put(base / "batch1" / "7.mp4")
    for clip in ("7", "8-14-640x360", "99_left"):
        put(base / "cropped_aligned" / clip / "00001.jpg", clip)
    return base


def settings(base: Path, **more: object) -> SAffwild2Settings:
    raw = {"adapter": "s_affwild2", "root": str(base), "samples": {"mtl": "sample.txt"}, "rate": 30, **more}
    return parse(SAffwild2Settings, raw, "config.yaml", ("datasets", "mtl"))
