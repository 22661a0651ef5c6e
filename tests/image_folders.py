"""Folders of labelled pictures in the layouts that their makers chose, made for tests."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from abaw_pipeline.datasets.base import DataSet
from abaw_pipeline.datasets.images import ImagesSettings, find
from abaw_pipeline.strict import parse
from tests.affwild2_folder import put


def settings(root: Path, **more: Any) -> ImagesSettings:
    return parse(ImagesSettings, {"adapter": "images", "root": str(root), **more}, "config.yaml", ("datasets", "pics"))


def found(root: Path, **more: Any) -> DataSet:
    return find(settings(root, **more), "datasets.pics")


def shade(path: Path, value: int, side: int = 8) -> Path:
    """A picture of one grey; every value is another picture."""
    return put(path, cv2.imencode(path.suffix, np.full((side, side, 3), value, np.uint8))[1].tobytes())


def raf(root: Path, lines: Iterable[str]) -> Path:
    """RAF-DB with these lines of its list, and a picture for each."""
    lines = list(lines)
    for number, line in enumerate(lines):
        shade(root / "Image/aligned" / line.split()[0].replace(".jpg", "_aligned.jpg"), number)
    put(root / "EmoLabel/list_patition_label.txt", "".join(f"{line}\n" for line in lines))
    return root


def listed(root: Path, *lines: str, **more: Any) -> DataSet:
    """A list of the user's own: header, then rows; there is a picture for every name such as ``p1.jpg``."""
    for name in re.findall(r"\bp\d+\.jpg", " ".join(lines)):
        shade(root / name, int(name[1:-4]))
    put(root / "labels.csv", "".join(f"{line}\n" for line in lines))
    return found(root, list_file="labels.csv", **{"tasks": ["expr"], **more})
