"""Clip and recording names in the shapes that Aff-Wild2 has. They are drawn at random and say nothing about labels."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np


def draw_numbers(rng: np.random.Generator) -> Iterator[int]:
    """Different random numbers, in any order; 10 is left out because ``video10_1`` is taken."""
    for number in rng.permutation(np.arange(11, 900)):
        yield int(number)


def recording_name(number: int, rate: Fraction, width: int, height: int, style: int) -> str:
    """``139``, ``139-14-320x240`` (number, rate, size) or ``video139``.

    The style with the rate is used only where the rate is a whole number, so that a name never states a wrong one.
    """
    if style == 1 and rate.denominator == 1:
        return f"{number}-{rate}-{width}x{height}"
    return f"video{number}" if style == 2 else str(number)


def clip_names(recording: str, kind: str) -> tuple[str | None, ...]:
    """Clip names of the people of a recording, from left to right; None for a person whom nobody annotated.

    Kinds with two people: ``both`` (both suffixed); ``base_right`` and ``base_left`` (the other person carries the
    bare name); ``left_only`` (``video10_1_left``). With one: ``single``, ``all_invalid`` and ``silent``.
    """
    left, right = f"{recording}_left", f"{recording}_right"
    names: dict[str, tuple[str | None, ...]] = {
        "both": (left, right),
        "base_right": (recording, right),
        "base_left": (left, recording),
        "left_only": (left, None),
        "single": (recording,),
        "all_invalid": (recording,),
        "silent": (recording,),
    }
    return names[kind]
