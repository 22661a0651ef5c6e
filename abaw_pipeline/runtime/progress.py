"""Progress lines with rate and time left; quiet when nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], what: str, unit: str = "clip", total: int | None = None) -> Iterable[T]:
    """Wrap ``items`` in a progress bar on standard error; without a terminal nothing is shown."""
    return tqdm(items, desc=what, unit=unit, total=total, disable=not sys.stderr.isatty(), dynamic_ncols=True)


def say(text: str) -> None:
    """One plain line to standard error, without disturbing a progress bar."""
    tqdm.write(text, file=sys.stderr)
