"""One CSV and one plot per clip: the result for recordings that have no submission file."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from abaw_pipeline.media.store import Faces, read_clock, read_sound
from abaw_pipeline.report.clip_files import plot_clip, write_clip_csv
from abaw_pipeline.report.gather import predictions
from abaw_pipeline.runtime.code import code_digest
from abaw_pipeline.runtime.keys import array_digest, digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.names import escape
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.types import Clock

__all__ = ["audio_valid", "plot_clip", "read_presence", "write_clip_csv", "write_curves"]

SAMPLE_RATE = 16_000
SUFFIXES = (".csv", ".png")


@dataclass(frozen=True)
class Presence:
    """Frames that showed a face and frames that had sound, ``(n,)`` bool each, and their clock."""

    clock: Clock
    face: np.ndarray
    audio: np.ndarray


def write_curves(layout: Layout, ensemble: str, out: Path, prune: bool = False) -> Manifest:
    """Write ``<clip>.csv`` and ``<clip>.png`` for every clip that an ensemble predicted, and ``done.json``.

    A clip whose key matches is left as it is.

    Args:
        prune: remove the files of clips that ``done.json`` lists from an earlier call and that are predicted no more.
            Nothing else in ``out`` is ever removed: it may be a folder of the user's own.

    Returns:
        the manifest, as written to ``done.json``: per clip ``key``, ``content`` and ``rows``.

    Raises:
        ValueError: predictions or media are missing or stale.
    """
    manifest = Manifest.read(layout.ensemble_manifest(ensemble), f"abaw ensemble {ensemble} --dataset {layout.dataset}")
    task = manifest.about["task"]
    read = predictions(layout, ensemble, task, manifest)
    done = out / "done.json"
    before = Manifest.read(done, "abaw curves").clips if done.is_file() else {}
    made = Manifest({"ensemble": ensemble, "task": task, "random_features": manifest.about["random_features"]})
    for clip in progress(sorted(manifest.clips), "curves"):
        values = read(clip)
        assert values is not None, "it is in the manifest"
        presence = read_presence(layout, clip)
        key = _key(manifest.clips[clip]["content"], presence, task)
        paths = [out / f"{escape(clip)}{suffix}" for suffix in SUFFIXES]
        if before.get(clip, {}).get("key") != key or not all(path.is_file() for path in paths):
            write_clip_csv(paths[0], presence.clock, values, presence.face, presence.audio, TASKS[task])
            plot_clip(paths[1], presence.clock, values, presence.face, presence.audio, TASKS[task])
        made.clips[clip] = {"key": key, "content": manifest.clips[clip]["content"], "rows": len(values)}
    if prune:
        _remove(out, set(before) - set(made.clips))
    made.write(done)
    return made


def read_presence(layout: Layout, clip: str) -> Presence:
    """Where a clip shows a face and where it has sound; ``ValueError`` where its media are not there."""
    clock, sound = read_clock(layout, clip), read_sound(layout, clip)
    with Faces(layout, clip) as faces:
        face = np.asarray(faces.valid, bool)
    return Presence(clock, face, audio_valid(clock, sound.heard, sound.start_s))


def audio_valid(clock: Clock, heard: np.ndarray, start_s: float) -> np.ndarray:
    """Frames at whose time the recording really had sound, ``(n,)`` bool.

    Args:
        heard: ``(k, 2)`` first sample and last sample + 1 of each stretch of sound, at 16 kHz, in order.
        start_s: time of sample 0 on the clock's time line, in seconds.
    """
    if not len(heard):
        return np.zeros(len(clock), bool)
    # A frame's time is the instant it appears; rounding first keeps float noise from moving it by a sample.
    sample = np.floor(np.round((clock.times - start_s) * SAMPLE_RATE, 3)).astype(np.int64)
    stretch = np.searchsorted(heard[:, 0], sample, side="right") - 1
    return (stretch >= 0) & (sample < heard[np.maximum(stretch, 0), 1])


def _key(content: str, presence: Presence, task: str) -> str:
    flags = array_digest(presence.clock.times, presence.face, presence.audio)
    return digest([content, flags, task, code_digest("report.curves")])


def _remove(out: Path, clips: Set[str]) -> None:
    for clip in clips:
        for suffix in SUFFIXES:
            (out / f"{escape(clip)}{suffix}").unlink(missing_ok=True)
