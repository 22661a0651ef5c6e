"""Which clips a fold trains on, and which it holds out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from abaw_pipeline.training.splits.settings import FoldSettings, KFolds
from abaw_pipeline.types import Clip


@dataclass(frozen=True)
class Fold:
    """Clip ids, sorted."""

    train: list[str]
    validation: list[str]


def split(clips: Sequence[Clip], task: str, settings: FoldSettings, fold: str, annotated: Mapping[str, int]) -> Fold:
    """Training and validation clips of ``fold``.

    Args:
        annotated: number of annotated frames per clip id, by which K folds are balanced.

    Raises:
        ValueError: no such fold, or fewer recordings than folds.
    """
    if isinstance(settings, KFolds):
        pool = [clip for clip in clips if clip.splits.get(task) in settings.over.split("+")]
        parts = _parts(pool, settings.k, annotated)
        if fold not in parts:
            raise ValueError(f"no fold '{fold}'; known: {', '.join(parts)}")
        rest = [clip for name, part in parts.items() if name != fold for clip in part]
        return Fold(sorted(rest), sorted(parts[fold]))
    if fold != "official":
        raise ValueError(f"no fold '{fold}'; the official split has one: official")
    sides = {side: sorted(c.id for c in clips if c.splits.get(task) == side) for side in ("train", "val")}
    return Fold(sides["train"], sides["val"])


def shared_recordings(clips: Sequence[Clip], fold: Fold) -> list[str]:
    """Recordings with clips on both sides; only an official split can have any."""
    recording = {clip.id: clip.recording for clip in clips}
    return sorted({recording[c] for c in fold.train} & {recording[c] for c in fold.validation})


def _parts(clips: Sequence[Clip], k: int, annotated: Mapping[str, int]) -> dict[str, list[str]]:
    """Recordings, longest first, each to the fold that holds the fewest annotated frames so far."""
    recordings: dict[str, list[str]] = defaultdict(list)
    for clip in clips:
        recordings[clip.recording].append(clip.id)
    if len(recordings) < k:
        raise ValueError(f"folds.k: {k} folds need at least {k} recordings, there are {len(recordings)}; lower k")
    frames = {name: sum(annotated.get(clip, 0) for clip in ids) for name, ids in recordings.items()}
    parts: list[list[str]] = [[] for _ in range(k)]
    load = [(0, 0)] * k  # frames, then recordings: unannotated ones spread evenly too
    for name in sorted(recordings, key=lambda name: (-frames[name], name)):
        lightest = load.index(min(load))
        parts[lightest] += recordings[name]
        load[lightest] = (load[lightest][0] + frames[name], load[lightest][1] + 1)
    return {f"fold{number}": part for number, part in enumerate(parts, 1)}
