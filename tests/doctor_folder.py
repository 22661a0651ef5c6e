"""A small healthy folder laid out like Aff-Wild2, in which tests plant faults, and what the doctor says of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np

from abaw_pipeline.doctor.examine import Examined, examine
from abaw_pipeline.doctor.problems import Problem
from abaw_pipeline.settings_file import check
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS
from tests.affwild2_folder import annotate, put
from tests.media_fixtures import steady, tone, write_clip

FRAMES, LONG, RATE = 30, 600, 30
"""Frames of a clip, of the long one, and pictures a second."""
SIDE, WIDTH, HEIGHT = 64, 160, 96
LABELS = {"va": "0.{0},-0.5", "expr": "{0}", "au": "1,0,0,0,0,1,0,0,0,1,0,{1}"}
"""A row of each task; ``{0}`` is a digit below 8, ``{1}`` one below 2."""


def build(root: Path) -> None:
    """Clips ``1`` (long, train), ``2`` (val, crops alone), ``3`` (test), and ``4_left`` with ``4_right`` (train)."""
    write_recording(root / "batch1" / "1-30-96x96.mp4", LONG)
    write_recording(root / "batch2" / "3.mp4", FRAMES)
    write_recording(root / "batch2" / "4.mp4", FRAMES, face(0), face(1))
    for clip, frames, who in (("1-30-96x96", LONG, 2), ("2-30-96x96", FRAMES, 3), ("4_left", FRAMES, 0)):
        write_faces(root / "cropped_aligned" / clip, frames, who)
    write_faces(root / "cropped_aligned" / "4_right", FRAMES, 1)
    for clip, split, frames in (
        ("1-30-96x96", "Train_Set", LONG),
        ("2-30-96x96", "Validation_Set", FRAMES),
        ("4_left", "Train_Set", FRAMES),
        ("4_right", "Train_Set", FRAMES),
    ):
        for task in LABELS:
            write_rows(root, clip, task, frames, split)
    write_sample(root, FRAMES)


def write_recording(
    path: Path,
    frames: int,
    *faces: np.ndarray,
    rate: float = RATE,
    seconds: float = 0.0,
    start: float = 0.0,
    pause: float = 0.0,
) -> None:
    """Still pictures of ``faces`` side by side, and sound.

    Args:
        seconds: length of the sound; without it that of the pictures.
        start: when the sound begins. pause: how long no new picture comes, after half of them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
    for seat, one in enumerate(faces):
        picture[16 : 16 + SIDE, 8 + seat * 80 : 8 + seat * 80 + SIDE] = one
    times = steady(rate, frames / rate)
    times[frames // 2 :] += pause
    write_clip(path, times, (picture for _ in range(frames)), tone(seconds or frames / rate), sound_start=start)


@cache
def face(who: int) -> np.ndarray:
    """Something that looks like nobody else, ``(SIDE, SIDE, 3)``."""
    coarse = np.random.default_rng(who).integers(0, 256, (6, 6, 3), np.uint8)
    return cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def write_faces(folder: Path, frames: int, who: int) -> None:
    """Crops of somebody, the same for every frame."""
    folder.mkdir(parents=True)
    first = folder / "00001.jpg"
    cv2.imwrite(str(first), cv2.resize(face(who)[:, :, ::-1], (112, 112)))
    for number in range(2, frames + 1):
        (folder / f"{number:05d}.jpg").hardlink_to(first)


def write_rows(root: Path, clip: str, task: str, frames: int, split: str = "Train_Set") -> Path:
    rows = [LABELS[task].format(i % 8, i % 2) for i in range(frames)]
    return annotate(root, clip, "\n".join([TASKS[task].header, *rows]) + "\n", split, TASKS[task].folders[0])


def write_sample(root: Path, frames: int, clip: str = "3") -> Path:
    rows = [f"{clip}/{frame:05d}.jpg,0,0," for frame in range(1, frames + 1)]
    return put(root / "sample.txt", "\n".join([TRACKS["va"].header, *rows]) + "\n")


def settings(root: Path, **more: object) -> dict[str, object]:
    """Settings of a project on the folder ``root``; ``more`` are other settings of the data set."""
    dataset = {"adapter": "affwild2", "tasks": ["va", "expr", "au"], "samples": {"va": "sample.txt"}, **more}
    return {"results": str(root.parent / "results"), "datasets": {"aw": {"root": str(root), **dataset}}}


def examined(root: Path, **more: object) -> Examined:
    return examine(check(settings(root, **more), "config.yaml"), "aw")


def told(found: Examined, kind: str) -> list[Problem]:
    return [problem for problem in found.problems if problem.kind == kind]
