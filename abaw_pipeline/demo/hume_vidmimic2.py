"""Hume-Vidmimic2 as it is handed out: a table per split, recordings, face crops, and a transcript per clip.

Hard cases: ids of five digits of which the validation table has lost the zeros; a column ``Empathic_Pain``; two clips
of sound and face crops alone; a silent recording, whose transcript is empty; faces that leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from abaw_pipeline.demo import hume
from abaw_pipeline.demo.cast import Recording
from abaw_pipeline.demo.performance import stream
from abaw_pipeline.demo.shape import Seconds, Shape
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS

_SEEN, _HEARD = "raw", "audio"
_CENTRES = {
    "Admiration": (0.6, -0.4),
    "Amusement": (0.7, 0.6),
    "Determination": (-0.1, 0.4),
    "Empathic Pain": (-0.7, -0.4),
    "Excitement": (0.3, 0.8),
    "Joy": (0.8, 0.2),
}
_SAID = {
    (True, True): ("this is so exciting", "I cannot believe we won"),
    (True, False): ("what a lovely quiet morning", "you did that so well"),
    (False, True): ("stop it right now", "no we will not give up"),
    (False, False): ("I am so sorry for her", "it hurts to look at that"),
}
"""By whether the mood is pleased and awake."""


def _plan(clips: int, seed: int, seconds: Seconds) -> list[Recording]:
    return hume.draw_cast(clips, seed, seconds, _SEEN, _HEARD)


def _video(root: Path, recording: Recording) -> Path:
    return hume.recording_path(root, recording, _HEARD)


def _crop(root: Path, clip: str, number: int) -> Path:
    return root / "face_images" / clip / f"{number:05d}.jpg"


def _annotate(root: Path, recordings: Sequence[Recording], seed: int) -> None:
    header = ",".join(["Filename", *TASKS["emi"].columns])
    rows = {
        split: [(one.name, hume.cells(hume.felt(one, _CENTRES))) for one in hume.of_split(recordings, split)]
        for split in ("train", "val")
    }
    hume.write_lines(root / "train_split.csv", [header, *(f"{name},{values}" for name, values in rows["train"])])
    unpadded = [f"{int(name)},{values}" for name, values in rows["val"]]
    hume.write_lines(root / "valid_split.csv", [header.replace("Empathic Pain", "Empathic_Pain"), *unpadded])
    hume.write_test(root, TRACKS["emi"], recordings, _CENTRES, "{}")
    for recording in recordings:
        hume.write_lines(root / "transcripts" / f"{recording.name}.srt", _cues(recording, seed))


def _cues(recording: Recording, seed: int) -> list[str]:
    """One sentence over the whole recording, in SubRip; none of a silent one."""
    if recording.sound == "none":
        return []
    pleased, awake = recording.mood
    said = stream(seed, recording, 7).choice(np.array(_SAID[pleased > 0, awake > 0]))
    end = round(1000 * recording.seconds)
    return ["1", f"00:00:00,000 --> 00:00:{end // 1000:02d},{end % 1000:03d}", str(said)]


SHAPE = Shape(_plan, _video, _crop, _annotate)
