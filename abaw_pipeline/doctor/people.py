"""Clips that share a recording: which of the two-person patterns, and whether splits part them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from abaw_pipeline.doctor.problems import Problem
from abaw_pipeline.types import SPLITS, Clip


def pattern(clip: Clip, together: Sequence[Clip]) -> str:
    """Side and names of a clip that is one of two people: ``left of plain, _right``; empty where nobody has a side.

    Args:
        together: every clip of its recording, itself included.
    """
    if len(together) == 1:
        return f"{clip.side} alone" if clip.side else ""
    names = [other.id.removeprefix(clip.recording) or "plain" for other in together]
    return f"{clip.side or '?'} of {', '.join(sorted(names, key=lambda name: (name != 'plain', name)))}"


def check_sides(together: Sequence[Clip]) -> Iterator[Problem]:
    """Several people in one recording of whom one has no side to be found by."""
    for clip in together:
        if clip.side is None and len(together) > 1:
            others = ", ".join(other.id for other in together if other is not clip)
            what = f"shares recording '{clip.recording}' with {others}, and its name tells no side"
            then = "official crops are used as they are; without them the largest face is taken for it"
            yield Problem("warning", "people", clip.id, what, then, clip.id)


def check_splits(together: Iterable[Clip]) -> Iterator[Problem]:
    """Clips that folds would keep together (one recording, or one group) on two sides of a task's split."""
    clips = list(together)
    for task in sorted({task for clip in clips for task in clip.splits}):
        by_split = {split: [clip for clip in clips if clip.splits.get(task) == split] for split in SPLITS}
        apart = {split: found for split, found in by_split.items() if found}
        if len(apart) > 1:
            named = "; ".join(f"{split}: {', '.join(clip.id for clip in found)}" for split, found in apart.items())
            first = next(iter(apart.values()))[0]
            what = f"'{first.source}' stands in several splits of {task} ({named})"
            then = "official folds keep the splits as they are and flatter the score; kfold keeps such clips together"
            yield Problem("warning", "splits", first.id, what, then, first.id)
