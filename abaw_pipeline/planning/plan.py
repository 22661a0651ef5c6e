"""``abaw plan``: jobs, gigabytes and hours of a run, before its first job starts."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from abaw_pipeline.config import Config
from abaw_pipeline.planning.rates import Rate, earlier_rates, known_by
from abaw_pipeline.planning.stages import Stages
from abaw_pipeline.planning.trial import Device, start_seconds, tried
from abaw_pipeline.planning.work import Work
from abaw_pipeline.runtime.progress import say
from abaw_pipeline.state.words import count


@dataclass(frozen=True)
class Line:
    """One line of the plan; ``rate`` is ``None`` where there is nothing to go through, or nobody knows its speed."""

    work: Work
    rate: Rate | None
    start_s: float

    @property
    def seconds(self) -> float | None:
        """Of all its new jobs one after the other; ``None``: not known."""
        work = self.work
        if work.new and (work.amount is None or (work.amount and self.rate is None)):
            return None
        return work.new * self.start_s + (work.amount / self.rate.speed if work.amount and self.rate else 0.0)


@dataclass(frozen=True)
class Plan:
    """All lines, in the order in which they run.

    Attributes:
        frames: a line on the length of each data set.
        start_s: seconds of a core that a job takes to begin; 0 where nobody tried.
        free: bytes that are free where the results go.
    """

    lines: list[Line]
    frames: dict[str, str]
    start_s: float
    free: int

    @property
    def new(self) -> int:
        return sum(line.work.new for line in self.lines)

    @property
    def done(self) -> int:
        return sum(line.work.done for line in self.lines)

    @property
    def gigabytes(self) -> float | None:
        """Of all features; ``None`` where the frames of a data set are not known yet."""
        sizes = [line.work.gigabytes for line in self.lines if line.work.stage == "extract"]
        return None if None in sizes else sum(size for size in sizes if size)

    @property
    def unknown(self) -> list[Line]:
        """Lines whose time nobody knows."""
        return [line for line in self.lines if line.seconds is None]

    def core_seconds(self, cores: int) -> float:
        """Seconds of one CPU core, of all jobs that compute on CPUs; the others wait for their GPU meanwhile."""
        own = [line for line in self.lines if not line.work.gpu]
        return sum((line.seconds or 0.0) * min(line.work.threads, cores) for line in own)

    @property
    def gpu_seconds(self) -> float:
        return sum(line.seconds or 0.0 for line in self.lines if line.work.gpu)


def plan(config: Config, device: Device, trial: bool = True) -> Plan:
    """Look at what is there, and work out what a run would do.

    Args:
        device: gives the device that networks are tried on; may wait for one.
        trial: whether to try what no earlier run tells the speed of.

    Raises:
        ValueError: a data set that is not there and that the run does not write itself.
    """
    stages = Stages(config)
    works, rates = stages.works(), earlier_rates(Path(config.results))
    lacking = [work for work in works if work.new and work.amount and known_by(work) not in rates]
    if trial and lacking:
        say(f"trying {count(len(lacking), 'stage')} whose speed no earlier run tells ('--no-trial' leaves them open)")
        rates |= tried(stages, lacking, device)
    start_s = start_seconds() if trial and any(work.new for work in works) else 0.0
    lines = [Line(work, rates.get(known_by(work)), start_s) for work in works]
    told = {name: frames.line for name, frames in stages.frames.items()}
    told |= dict.fromkeys(sorted(stages.pending), "frames not known before the run has written it")
    return Plan(lines, told, start_s, _free(Path(config.results)))


def _free(folder: Path) -> int:
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.is_dir())
    return shutil.disk_usage(there).free
