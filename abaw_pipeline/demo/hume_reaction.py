"""Hume-Reaction as it is handed out: ``data_info.csv``, recordings, and sound alone of clips without picture.

Hard cases: ids in brackets with leading zeros, in the sample file, too; two clips of sound alone; a silent recording;
faces that leave; no intensities in the rows of test clips; a row that stands twice; a byte order mark and Windows line
ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from abaw_pipeline.demo import hume
from abaw_pipeline.demo.cast import Recording
from abaw_pipeline.demo.shape import Seconds, Shape
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS

_SEEN, _HEARD = "mp4", "wav"
_CENTRES = {
    "Adoration": (0.8, -0.1),
    "Amusement": (0.7, 0.6),
    "Anxiety": (-0.4, 0.3),
    "Disgust": (-0.8, -0.1),
    "Empathic-Pain": (-0.6, -0.6),
    "Fear": (-0.6, 0.7),
    "Surprise": (0.1, 0.8),
}
_SPLITS = {"train": "Train", "val": "Val", "test": "Test"}


def _plan(clips: int, seed: int, seconds: Seconds) -> list[Recording]:
    return hume.draw_cast(clips, seed, seconds, _SEEN, _HEARD)


def _video(root: Path, recording: Recording) -> Path:
    return hume.recording_path(root, recording, _HEARD)


def _crop(root: Path, clip: str, number: int) -> None:
    """None are handed out."""


def _annotate(root: Path, recordings: Sequence[Recording], seed: int) -> None:
    rng = np.random.default_rng(np.random.SeedSequence([seed, 40_001]))
    rows = [_row(recordings[i], rng) for i in rng.permutation(len(recordings))]
    header = f"\ufeffFile_ID,Split,{','.join(TASKS['eri'].columns)},Age,Country"
    hume.write_lines(root / "data_info.csv", [header, *rows, rows[0]], end="\r\n")
    hume.write_test(root, TRACKS["eri"], recordings, _CENTRES, "[{}]")


def _row(recording: Recording, rng: np.random.Generator) -> str:
    unknown = recording.split == "test"
    values = "," * (len(_CENTRES) - 1) if unknown else hume.cells(hume.felt(recording, _CENTRES))
    return f"[{recording.name}],{_SPLITS[recording.split]},{values},{rng.integers(18, 60)},Nowhere"


SHAPE = Shape(_plan, _video, _crop, _annotate)
