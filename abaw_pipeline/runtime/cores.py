"""How many processors there are for this process. Imports nothing heavy."""

from __future__ import annotations

import os


def cores() -> int:
    """CPU cores this process may use (a cluster's binding counts)."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # no such call outside Linux
        return os.cpu_count() or 1
