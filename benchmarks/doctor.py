"""Seconds and peak memory of ``abaw doctor`` on a data set of Aff-Wild2's size; it must stay under a minute.

600 clips of 5,000 frames (3 million, as Aff-Wild2): recordings of 360 x 202 pixels with sound, official crops, label
files of three tasks, a sample file of a quarter of the clips; one clip in ten is one of two people. The recordings are
hard links to six different ones, and the crop folders links to one: what is read lies in memory, as it does not the
first time on a slow disk.

    python benchmarks/doctor.py [--clips 600] [--frames 5000] [--folder DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a machine where the package is not installed

import numpy as np
from made_up import encoded, noise

from abaw_pipeline.demo.affwild2 import write_labels
from abaw_pipeline.demo.video import write_video
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS

RATE, DIFFERENT, SIZE = 25, 6, (360, 202)
"""Pictures a second, recordings that differ, width and height in pixels."""
LEAST_S = 60.0


def write_recordings(folder: Path, frames: int) -> list[Path]:
    """Recordings of blotches that drift, so that packets are as large as those of people who move."""
    paths = []
    for number in range(DIFFERENT):
        rng = np.random.default_rng(number)
        wide = rng.integers(0, 256, (SIZE[1] // 20, SIZE[0] // 10, 3), np.uint8).repeat(20, 0).repeat(20, 1)
        wide = np.pad(wide, ((0, 20), (0, 0), (0, 0)), mode="edge")[: SIZE[1]]
        pictures = (wide[:, i % SIZE[0] : i % SIZE[0] + SIZE[0]] for i in range(frames))
        path = folder / f"different{number}.mp4"
        sound = np.tile(noise(16_000 * 10), frames // (RATE * 10) + 1)[: frames * 16_000 // RATE]
        write_video(path, pictures, SIZE, Fraction(RATE), sound, 16_000)
        paths.append(path)
    return paths


def write_crops(folder: Path, frames: int) -> None:
    """A file a frame, one in ten missing."""
    folder.mkdir()
    pictures = encoded("faces")
    for number in range(1, frames + 1):
        if number % 10:
            (folder / f"{number:05d}.jpg").write_bytes(pictures[number % len(pictures)])


def write_data(root: Path, beside: Path, clips: int, frames: int) -> None:
    recordings = write_recordings(beside, frames)
    write_crops(beside / "crops", frames)
    rng = np.random.default_rng(0)
    labels = {
        "va": rng.uniform(-1, 1, (frames, 2)).round(3),
        "expr": rng.integers(0, 8, (frames, 1)).astype(float),
        "au": rng.integers(0, 2, (frames, TASKS["au"].width)).astype(float),
    }
    (root / "batch1").mkdir(parents=True)
    (root / "cropped_aligned").mkdir()
    rows = [TRACKS["va"].header]
    for number in range(clips):
        name = f"{number // 2}_{('left', 'right')[number % 2]}" if number < clips // 10 else f"video{number}"
        recording = root / "batch1" / f"{name.partition('_')[0]}.mp4"
        if not recording.exists():
            os.link(recordings[number % DIFFERENT], recording)
        (root / "cropped_aligned" / name).symlink_to(beside / "crops")
        if number % 4 < 3:
            write_labels(root, "val" if number % 4 == 2 else "train", name, labels)
        else:
            rows += [f"{name}/{frame:05d}.jpg,0,0" for frame in range(1, frames + 1)]
    (root / "sample.txt").write_text("\n".join(rows) + "\n")


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--clips", type=int, default=600)
    words.add_argument("--frames", type=int, default=5000)
    words.add_argument("--folder", type=Path, help="where to build it; a temporary folder without it")
    given = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="abaw-doctor-", dir=given.folder) as name:
        folder = Path(name)
        write_data(folder / "data", folder, given.clips, given.frames)
        dataset = {"adapter": "affwild2", "root": "data", "tasks": list(TASKS)[:3], "samples": {"va": "sample.txt"}}
        (folder / "config.yaml").write_text(json.dumps({"datasets": {"affwild2": dataset}}))
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "abaw_pipeline", "doctor"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
            capture_output=True,
            text=True,
        )
        took = time.perf_counter() - began
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        size = sum(file.stat().st_size for file in (folder / "data/batch1").iterdir()) / 1e9
    if done.returncode not in (0, 2) or not done.stdout:
        raise SystemExit(done.stderr)
    print("\n".join(done.stdout.splitlines()[-5:]))
    print(f"{given.clips} clips, {size:.1f} GB of recordings: {took:.1f} s, {memory:.0f} MB")
    assert given.clips > 600 or took < LEAST_S, f"more than {LEAST_S:.0f} s"


if __name__ == "__main__":
    main()
