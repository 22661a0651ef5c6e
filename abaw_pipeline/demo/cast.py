"""Who plays in the built-in corpus: recordings, their people, splits, and which clip gets which hard case. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeVar

import numpy as np

from abaw_pipeline.demo.names import clip_names, draw_numbers, recording_name
from abaw_pipeline.types import Split

T = TypeVar("T")

RATES = (Fraction(30), Fraction(14), Fraction(24), Fraction(30000, 1001), Fraction(60))
_RATE_CARDS = RATES + RATES[:4]  # 60 only every second round: it costs most

WIDTH, HEIGHT = 320, 240
"""Pixels of a recording per person."""

Sound = Literal["equal", "longer", "shorter", "none"]
SOUND_LENGTH: dict[Sound, float] = {"equal": 1.0, "longer": 1.2, "shorter": 0.85}
"""Length of the sound as a multiple of the picture's."""
_SOUNDS: tuple[Sound, ...] = ("equal", "longer", "equal", "shorter", "equal")

# split: kinds of recordings dealt once, each with the number of clips that the split must have for it
_SPECIAL: dict[Split, tuple[tuple[str, int], ...]] = {
    "train": (("both", 4), ("silent", 5), ("all_invalid", 6), ("base_right", 8)),
    "val": (("base_left", 3),),
    "test": (("left_only", 3),),
}


@dataclass(frozen=True)
class Person:
    """One face in a recording; ``clip`` is None for a face that nobody annotated.

    Attributes:
        extra_rows: label rows (or sample rows of a test clip) minus frames: -1, 0 or 1.
        leaves: whether the face is away for a while.
        gaps: whether stretches of the labels are marked as not annotated.
        all_invalid: whether every label of the clip is.
    """

    clip: str | None
    extra_rows: int = 0
    leaves: bool = False
    gaps: bool = False
    all_invalid: bool = False


@dataclass(frozen=True)
class Recording:
    """One video file with one person, or with two side by side who share the sound.

    Attributes:
        batch: a folder of its own kind of recordings.
        mood: mean valence and arousal of everybody in it over the picture, in [-1, 1].
    """

    index: int
    name: str
    split: Split
    rate: Fraction
    seconds: float
    batch: str
    sound: Sound
    people: tuple[Person, ...]
    mood: tuple[float, float] = (0.0, 0.0)

    @property
    def frames(self) -> int:
        return round(self.seconds * self.rate)

    @property
    def width(self) -> int:
        return WIDTH * len(self.people)


def split_sizes(clips: int) -> dict[Split, int]:
    """Clips per split: about 13 train, 5 val, 6 test of 24.

    Raises:
        ValueError: fewer than 6 clips or more than 400.
    """
    if not 6 <= clips <= 400:
        raise ValueError(f"--clips {clips}: the built-in corpus needs 6 to 400 clips (24 hold every hard case)")
    test, val = round(clips / 4), max(1, round(clips * 0.21))
    return {"train": clips - val - test, "val": val, "test": test}


def plan(clips: int, seed: int, seconds: tuple[float, float] = (6.0, 10.0)) -> list[Recording]:
    """The whole cast, decided by ``clips`` and ``seed`` alone and independently of every label.

    Args:
        seconds: range of the length of a recording; those with 60 frames a second last 0.6 of it.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 10_000]))
    kinds = [(split, kind) for split, size in split_sizes(clips).items() for kind in _kinds(split, size)]
    rates, sounds = _dealt(rng, _RATE_CARDS, len(kinds)), _dealt(rng, _SOUNDS, len(kinds))
    batches = _dealt(rng, ("batch1", "batch2"), len(kinds))
    numbers, roles = draw_numbers(rng), _Roles(rng)
    recordings = []
    for index, (split, kind) in enumerate(kinds):
        rate = rates[index]
        length = rng.uniform(*seconds) * (0.6 if rate == 60 else 1.0)
        width = WIDTH * len(clip_names("", kind))
        name = recording_name(next(numbers), rate, width, HEIGHT, int(rng.integers(3)))
        name = "video10_1" if kind == "left_only" else name
        people = tuple(roles.person(clip, split, kind == "all_invalid") for clip in clip_names(name, kind))
        sound: Sound = "none" if kind == "silent" else sounds[index]
        recordings.append(Recording(index, name, split, rate, length, batches[index], sound, people))
    return recordings


def _kinds(split: Split, size: int) -> list[str]:
    """The kinds of a split's recordings (see ``clip_names``), for ``size`` clips: special ones first."""
    found = [kind for kind, least in _SPECIAL[split] if size >= least]
    used = sum(name is not None for kind in found for name in clip_names("", kind))
    return found + ["single"] * (size - used)


def _dealt(rng: np.random.Generator, cards: Sequence[T], count: int) -> list[T]:
    """The cards in turn until there are ``count``, then shuffled: every card is dealt as soon as there is room."""
    dealt = [cards[i % len(cards)] for i in range(count)]
    return [dealt[i] for i in rng.permutation(count)]


class _Roles:
    """Deals row counts, gaps and absences in turn within each split, from a random start."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._turn = {split: int(rng.integers(6)) for split in _SPECIAL}

    def person(self, clip: str | None, split: Split, invalid: bool) -> Person:
        if clip is None:
            return Person(None)
        turn = self._turn[split] = self._turn[split] + 1
        return Person(clip, (0, 1, -1)[turn % 3], turn % 3 == 0, turn % 2 == 0, invalid)
