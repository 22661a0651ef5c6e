"""What clip names say: which clip, which recording, which of two people, which frame rate."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set

_SIDES = {"_left": "left", "_right": "right"}
_RATED = re.compile(r"[^-]+-(\d+(?:\.\d+)?)-\d+x\d+")


def clip_id(name: str) -> str:
    """The clip that a file, a folder or a row of a list names, in composed Unicode (NFC).

    File systems and archives write an accent as a letter of its own (NFD), editors do not: both name one clip.
    """
    return unicodedata.normalize("NFC", name)


def person(clip: str, known: Set[str]) -> tuple[str, str | None]:
    """The recording a clip is part of, and the side its person is on.

    Two people share a recording under one of these names: both suffixed; the plain name for the left person and
    ``_right``; the plain name for the right person and ``_left``. Only a trailing suffix counts:
    ``video10_1_left`` belongs to ``video10_1``.

    Args:
        known: every clip id of the data set, among which the other person is looked for.

    Returns:
        the recording's name, and ``left``, ``right`` or ``None`` (one person).
    """
    for suffix, side in _SIDES.items():
        if clip.endswith(suffix) and clip != suffix:
            return clip.removesuffix(suffix), side
    others = [side for suffix, side in _SIDES.items() if clip + suffix in known]
    if len(others) == 1:
        return clip, "right" if others == ["left"] else "left"
    return clip, None


def stated_rate(recording: str) -> float | None:
    """Frame rate in Hz from a name such as ``139-14-720x480`` (the middle number), else ``None``."""
    match = _RATED.fullmatch(recording)
    rate = float(match.group(1)) if match else 0.0
    return rate if rate > 0 else None
