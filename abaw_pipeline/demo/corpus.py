"""The built-in corpus as a whole: an Aff-Wild2-shaped data set that needs no licence."""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from abaw_pipeline.demo.cast import Recording, plan
from abaw_pipeline.demo.layout import write_samples
from abaw_pipeline.demo.write import write_recording
from abaw_pipeline.runtime.files import atomic, write_json
from abaw_pipeline.runtime.progress import progress, say
from abaw_pipeline.runtime.temporaries import sweep_folder

VERSION = 1
"""Raised whenever the same arguments give another corpus."""

MARKER = "corpus.json"


def write_corpus(
    root: Path, clips: int, seed: int, *, seconds: tuple[float, float] = (6.0, 10.0), workers: int | None = None
) -> bool:
    """Write the corpus to the folder ``root``; nothing is found there until all of it is.

    The same ``clips`` and ``seed`` give the same data, whatever the number of workers.

    Args:
        clips: number of clips, 6 to 400; from 24 on every hard case is present.
        seed: any whole number from 0.
        seconds: range of the length of a recording.
        workers: processes; by default one per core.

    Returns:
        False if exactly this corpus was there already.

    Raises:
        ValueError: too few clips, a negative seed, or ``root`` exists and is something else; it is then left alone.
    """
    if seed < 0:
        raise ValueError(f"--seed {seed}: a seed must not be negative")
    recordings = plan(clips, seed, seconds)
    about = {"generator": "abaw demo", "version": VERSION, "clips": clips, "seed": seed, "seconds": list(seconds)}
    if _already_there(root, about):
        say(f"{root}: this corpus is already there")
        return False
    sweep_folder(root.parent, root.name)
    with atomic(root) as temporary:
        temporary.mkdir()
        _write_all(temporary, recordings, seed, workers or os.cpu_count() or 1)
        write_samples(temporary, _sample_rows(recordings, seed))
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


def _write_all(root: Path, recordings: list[Recording], seed: int, workers: int) -> None:
    """Longest recordings first, so that the workers finish together."""
    order = sorted(recordings, key=lambda recording: -recording.frames * len(recording.people))
    if workers == 1:
        for recording in progress(order, "corpus", "recording"):
            write_recording(root, recording, seed)
        return
    # Spawned, not forked: the caller may hold threads (torch, OpenCV) that a fork would break.
    with ProcessPoolExecutor(min(workers, len(order)), get_context("spawn")) as pool:
        jobs = [pool.submit(write_recording, root, recording, seed) for recording in order]
        try:
            for job in progress(as_completed(jobs), "corpus", "recording", len(jobs)):
                job.result()
        except BaseException:  # do not render the others first
            pool.shutdown(cancel_futures=True)
            raise


def _sample_rows(recordings: list[Recording], seed: int) -> list[tuple[str, int]]:
    """Rows per test clip, the clips in an order of their own as in the organisers' files."""
    rows = [
        (person.clip, recording.frames + person.extra_rows)
        for recording in recordings
        for person in recording.people
        if recording.split == "test" and person.clip is not None
    ]
    order = np.random.default_rng(np.random.SeedSequence([seed, 20_000])).permutation(len(rows))
    return [rows[i] for i in order]
