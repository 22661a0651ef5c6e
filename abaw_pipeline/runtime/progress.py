"""Progress lines with rate and time left; quiet when nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], what: str, unit: str = "clip", total: int | None = None, done: int = 0) -> Iterable[T]:
    """Wrap ``items`` in a progress bar on standard error; without a terminal nothing is shown.

    Args:
        total: number of items, the ``done`` ones included, which an earlier call was through with.
    """
    quiet = not sys.stderr.isatty()
    return tqdm(items, desc=what, unit=unit, total=total, initial=done, disable=quiet, dynamic_ncols=True)


def say(text: str) -> None:
    """One plain line to standard error, without disturbing a progress bar."""
    tqdm.write(text, file=sys.stderr)
