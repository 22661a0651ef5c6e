"""The built-in corpus as a whole, in the layout of any data set that is read: it needs no licence."""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from abaw_pipeline.demo.cast import Recording
from abaw_pipeline.demo.shape import Seconds
from abaw_pipeline.demo.shapes import SHAPES
from abaw_pipeline.demo.write import write_recording
from abaw_pipeline.runtime.files import atomic, write_json
from abaw_pipeline.runtime.progress import progress, say
from abaw_pipeline.runtime.temporaries import sweep_folder
from abaw_pipeline.strict import nearest

VERSION = 2
"""Raised whenever the same arguments give another corpus."""

MARKER = "corpus.json"


def write_corpus(
    root: Path,
    clips: int,
    seed: int,
    *,
    layout: str = "affwild2",
    seconds: Seconds = (6.0, 10.0),
    workers: int | None = None,
) -> bool:
    """Write the corpus to the folder ``root``; nothing is found there until all of it is.

    The same ``clips`` and ``seed`` give the same data, whatever the number of workers.

    Args:
        clips: number of clips, 6 to 400; from 24 on every hard case is present.
        seed: any whole number from 0.
        layout: one of ``SHAPES``.
        seconds: range of the length of a recording.
        workers: processes; by default one per core.

    Returns:
        False if exactly this corpus was there already.

    Raises:
        ValueError: too few clips, a negative seed, or ``root`` exists and is something else; it is then left alone.
    """
    if seed < 0:
        raise ValueError(f"--seed {seed}: a seed must not be negative")
    if layout not in SHAPES:
        raise ValueError(f"--layout {layout}: no such layout{nearest(layout, SHAPES)}")
    recordings = SHAPES[layout].plan(clips, seed, seconds)
    numbers = {"version": VERSION, "clips": clips, "seed": seed, "seconds": list(seconds)}
    about = {"generator": "abaw demo", "layout": layout, **numbers}
    if _already_there(root, about):
        say(f"{root}: this corpus is already there")
        return False
    sweep_folder(root.parent, root.name)
    with atomic(root) as temporary:
        temporary.mkdir()
        _write_all(temporary, recordings, seed, layout, workers or os.cpu_count() or 1)
        SHAPES[layout].annotate(temporary, recordings, seed)
        write_json(temporary / MARKER, about)
    return True


def _already_there(root: Path, about: dict[str, Any]) -> bool:
    """Whether ``root`` holds the corpus described; ValueError where it holds anything else."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    marker = root / MARKER
    try:
        found = json.loads(marker.read_text(encoding="utf-8")) if marker.is_file() else None
    except json.JSONDecodeError:
        found = None
    if found == about:
        return True
    what = "another corpus (other clips, seed or version)" if found else "something that 'abaw demo' did not write"
    raise ValueError(f"{root}: holds {what} and is left as it is; name another folder or remove this one")


def _write_all(root: Path, recordings: list[Recording], seed: int, layout: str, workers: int) -> None:
    """Longest recordings first, so that the workers finish together."""
    order = sorted(recordings, key=lambda recording: -recording.frames * len(recording.people))
    if workers == 1:
        for recording in progress(order, "corpus", "recording"):
            write_recording(root, recording, seed, layout)
        return
    # Spawned, not forked: the caller may hold threads (torch, OpenCV) that a fork would break.
    with ProcessPoolExecutor(min(workers, len(order)), get_context("spawn")) as pool:
        jobs = [pool.submit(write_recording, root, recording, seed, layout) for recording in order]
        try:
            for job in progress(as_completed(jobs), "corpus", "recording", len(jobs)):
                job.result()
        except BaseException:  # do not render the others first
            pool.shutdown(cancel_futures=True)
            raise
