"""Which clips a fold trains on, and which it holds out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.training.splits.file import listed_folds
from abaw_pipeline.training.splits.settings import FoldFile, FoldSettings, KFolds, Mix, OfficialFolds
from abaw_pipeline.types import SPLITS, Clip, Split


@dataclass(frozen=True)
class Fold:
    """Clip ids, sorted."""

    train: list[str]
    validation: list[str]
    notes: list[str] = field(default_factory=list, compare=False)
    """What a reader of the fold should know."""


def joint_splits(clips: Iterable[Clip], tasks: Collection[str]) -> dict[str, Split]:
    """The split of each clip for several tasks together; a clip of none of them is absent.

    A clip that trains one of the tasks is a training clip, whatever it is for the others; else validation goes before
    test.
    """
    found: dict[str, Split] = {}
    for clip in clips:
        own = {clip.splits[task] for task in tasks if task in clip.splits}
        if own:
            found[clip.id] = next(split for split in SPLITS if split in own)
    return found


def split(
    clips: Sequence[Clip],
    splits: Mapping[str, Split],
    settings: FoldSettings,
    fold: str,
    annotated: Mapping[str, int],
) -> Fold:
    """Training and validation clips of ``fold``.

    Args:
        splits: split by clip id (``joint_splits``); test clips and clips without one are in no fold.
        annotated: number of annotated frames per clip id, by which folds are balanced.

    Raises:
        ValueError: no such fold, fewer recordings than folds, no validation clip where the scheme needs one, or a
            bad fold file.
    """
    train, val = ([clip for clip in clips if splits.get(clip.id) == side] for side in ("train", "val"))
    if isinstance(settings, OfficialFolds):
        folds = {"official": Fold(_ids(train), _ids(val))}
    elif isinstance(settings, Mix):
        folds = {"mix": Fold(_ids(train + val), [])}
    elif isinstance(settings, KFolds):
        pool = train if settings.over == "train" else train + val
        folds = _each_against_the_rest(_parts(pool, settings.k, settings.seed, annotated))
    elif isinstance(settings, FoldFile):
        folds = _each_against_the_rest(listed_folds(Path(settings.path), clips, splits))
    else:
        folds = _parts_and_val(train, val, settings.k, settings.seed, annotated)
    if fold not in folds:
        raise ValueError(f"no fold '{fold}'; known: {', '.join(folds)}")
    return folds[fold]


def shared_recordings(clips: Sequence[Clip], fold: Fold) -> list[str]:
    """Recordings with clips on both sides; only an official split can have any. Clips of other data sets are none."""
    recording = {clip.id: clip.source for clip in clips}
    train, validation = ({recording[c] for c in side if c in recording} for side in (fold.train, fold.validation))
    return sorted(train & validation)


def _parts_and_val(
    train: Sequence[Clip], val: Sequence[Clip], k: int, seed: int | None, annotated: Mapping[str, int]
) -> dict[str, Fold]:
    """``k - 1`` parts of the training clips, the validation clips as the last fold.

    A recording that has clips on both sides of the official split is held out whole, in the last fold.
    """
    if not val:
        raise ValueError("folds: parts+val holds out the official validation clips, and there are none")
    recordings = {clip.source for clip in val}
    moved = [clip for clip in train if clip.source in recordings]
    parts = _parts([clip for clip in train if clip.source not in recordings], k - 1, seed, annotated)
    last = f"fold{k}"
    folds = _each_against_the_rest({**parts, last: _ids([*val, *moved])})
    folds[last].notes.extend(
        f"{clip.id}: a training clip held out in {last}, where the validation clips of its recording are"
        for clip in moved
    )
    return folds


def _each_against_the_rest(parts: Mapping[str, Sequence[str]]) -> dict[str, Fold]:
    return {
        name: Fold(sorted(clip for other in parts if other != name for clip in parts[other]), sorted(part))
        for name, part in parts.items()
    }


def _parts(clips: Sequence[Clip], k: int, seed: int | None, annotated: Mapping[str, int]) -> dict[str, list[str]]:
    """Recordings, each to the part that holds the fewest annotated frames so far.

    Whatever their order, parts differ by at most the longest recording: the fullest one was the emptiest before its
    last recording came (list scheduling, Graham, 1969). Longest first, they differ by much less.
    """
    recordings: dict[str, list[str]] = defaultdict(list)
    for clip in clips:
        recordings[clip.source].append(clip.id)
    if len(recordings) < k:
        raise ValueError(f"folds.k: {k} parts need at least {k} recordings, there are {len(recordings)}; lower k")
    frames = {name: sum(annotated.get(clip, 0) for clip in ids) for name, ids in recordings.items()}
    parts: list[list[str]] = [[] for _ in range(k)]
    load = [(0, 0)] * k  # frames, then recordings: unannotated ones spread evenly too
    for name in _order(frames, k, seed):
        lightest = load.index(min(load))
        parts[lightest] += recordings[name]
        load[lightest] = (load[lightest][0] + frames[name], load[lightest][1] + 1)
    return {f"fold{number}": part for number, part in enumerate(parts, 1)}


def _order(frames: Mapping[str, int], k: int, seed: int | None) -> list[str]:
    """Longest first; with a seed, shuffled inside each run of ``k`` recordings of about the same length.

    The shuffle goes by a digest of seed and name, so that no version of a random generator decides folds.
    """
    longest = sorted(frames, key=lambda name: (-frames[name], name))
    if seed is None:
        return longest
    bands = [longest[start : start + k] for start in range(0, len(longest), k)]
    return [name for band in bands for name in sorted(band, key=lambda name: digest([seed, name]))]


def _ids(clips: Iterable[Clip]) -> list[str]:
    return sorted(clip.id for clip in clips)
