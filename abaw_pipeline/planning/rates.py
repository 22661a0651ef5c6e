"""How fast stages were in earlier runs, from their journals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from abaw_pipeline.planning.work import Work
from abaw_pipeline.runtime.journal import Stretch, stretches
from abaw_pipeline.runtime.paths import journals

EARLIER, TRIAL = "earlier runs", "trial"


@dataclass(frozen=True)
class Rate:
    """What one job does.

    Attributes:
        speed: frames a second (clips a second in ``transcribe``).
        source: where the number comes from: ``EARLIER`` or ``TRIAL``.
        device: ``cpu``, or the name of the GPU.
    """

    speed: float
    source: str
    device: str


Known = tuple[str, str, bool]
"""Stage, key, and whether on a GPU: what a rate holds for."""
Rates = dict[Known, Rate]


def known_by(work: Work) -> Known:
    return work.stage, work.key, work.gpu


def earlier_rates(results: Path) -> Rates:
    """Mean speed over all jobs of a kind that the journals tell of."""
    together: dict[Known, list[Stretch]] = {}
    for path in sorted(journals(results).glob("*/*.jsonl")):
        for one in stretches(path):
            if one.key and one.seconds > 0:
                together.setdefault((path.parent.name, one.key, one.device != "cpu"), []).append(one)
    return {known: Rate(_speed(found), EARLIER, found[-1].device) for known, found in together.items()}


def _speed(found: Iterable[Stretch]) -> float:
    found = list(found)
    return sum(one.frames or len(one.did) for one in found) / sum(one.seconds for one in found)
