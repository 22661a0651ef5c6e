"""Differences in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

FEW = 3


def settings_changes(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> list[str]:
    """``bins: was 24, is 25`` for every value that differs; nested settings by their dotted name."""
    found = []
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += settings_changes(old, new, f"{prefix}{name}.")
        elif old != new:
            found.append(f"setting {prefix}{name}: was {old}, is {new}")
    return found


def code_changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """``code changed: features/audio/fbank.py`` where modules differ."""
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return [f"code changed: {few([module.replace('.', '/') + '.py' for module in changed])}"] if changed else []


def clips_in_words(clips: Iterable[str], what: str) -> list[str]:
    """``2 clips are new: a, b``; nothing where there is none."""
    names = sorted(clips)
    return [f"{count(len(names), 'clip')} {what}: {few(names)}"] if names else []


def few(names: list[str], most: int = FEW) -> str:
    """The first names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def count(number: int, what: str) -> str:
    """``1 clip``, ``2 clips``."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def duration(seconds: float) -> str:
    """``2 h 05 min``, ``3 min 20 s`` or ``7 s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
