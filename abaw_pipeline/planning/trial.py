"""A short trial of what no earlier run tells: the media stage and extractors, on the beginnings of a few clips."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from abaw_pipeline.config import Config
from abaw_pipeline.features.plan import FeaturePlan
from abaw_pipeline.media.build import build_media
from abaw_pipeline.planning.rates import TRIAL, Rate, Rates, known_by
from abaw_pipeline.planning.snippets import beginnings
from abaw_pipeline.planning.stages import Stages
from abaw_pipeline.planning.work import Work
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress

if TYPE_CHECKING:
    import torch

    from abaw_pipeline.features.writer import Made

BUDGET_S = 4.0
"""Longest time that one extractor is tried for, the loading of its network apart."""
Device = Callable[[], "torch.device"]


def start_seconds() -> float:
    """What a job takes to begin: Python, torch and what else a training imports; of a core, however busy it is."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "import abaw_pipeline.config, abaw_pipeline.training.fit"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def tried(stages: Stages, lacking: Sequence[Work], device: Device, budget_s: float = BUDGET_S) -> Rates:
    """Speeds of what is ``lacking`` one; what cannot be tried has none (made from files, or no clip is usable).

    Args:
        device: gives the GPU, and may wait for it; asked only where something is tried on one.
    """
    found: Rates = {}
    if any(work.gpu for work in lacking):
        device()  # before anything else asks torch for CUDA
    with TemporaryDirectory() as folder:
        ground = _Ground(stages, Path(folder))
        for work in progress(lacking, "try", "stage"):
            if known_by(work) in found:
                continue
            speed, place = _tried(ground, work, device if work.gpu else None, budget_s)
            if speed:
                found[known_by(work)] = Rate(speed, TRIAL, place)
    return found


def _tried(ground: _Ground, work: Work, device: Device | None, budget_s: float) -> tuple[float | None, str]:
    """Speed, and the device's name."""
    import torch

    from abaw_pipeline.planning.training_trial import training_speed
    from abaw_pipeline.runtime.cores import cores
    from abaw_pipeline.runtime.device import named

    place = device() if device else torch.device("cpu")
    with _threads(min(work.threads, cores())):
        if work.stage == "media":
            return ground.media_speed(work.dataset), named(place)
        if work.stage == "extract":
            return ground.extraction_speed(work, device, budget_s), named(place)
        if work.stage in ("train", "infer"):
            both = training_speed(ground.stages, work, place, budget_s)
            return both.training if work.stage == "train" else both.prediction, named(place)
    return None, named(place)


class _Ground:
    """A results folder of its own, with the media of the beginnings of a few clips of each data set."""

    def __init__(self, stages: Stages, folder: Path) -> None:
        self.stages, self.config, self._folder = stages, stages.config, folder
        self._speeds: dict[str, float | None] = {}
        self._clips: dict[str, list[str]] = {}

    def layout(self, dataset: str) -> Layout:
        return Layout(self._folder / "results", dataset)

    def media_speed(self, dataset: str) -> float | None:
        """Frames a second; ``None`` where no clip can be used."""
        if dataset not in self._speeds:
            clips = beginnings(self.stages.data(dataset).found.clips, self._folder / dataset)
            began = time.monotonic()
            made = build_media(clips, self.layout(dataset), self.config.media).clips
            frames = sum(int(entry["frames"]) for entry in made.values())
            self._speeds[dataset] = frames / (time.monotonic() - began) if frames else None
            self._clips[dataset] = list(made)
        return self._speeds[dataset]

    def extraction_speed(self, work: Work, device: Device | None, budget_s: float) -> float | None:
        """Frames a second, of frames with a face or sound; ``None`` where there is none, or no network to try."""
        plan = self.config.plan(work.name)
        if plan.spec.source == "files" or not self.media_speed(work.dataset):
            return None
        clips = self._clips[work.dataset]
        return _extraction_speed(plan, self.layout(work.dataset), clips, device, self.config, budget_s)


def _extraction_speed(
    plan: FeaturePlan, layout: Layout, clips: list[str], device: Device | None, config: Config, budget_s: float
) -> float | None:
    from abaw_pipeline.features.remake import Remake

    remake = Remake(plan, layout, device, config.batch)
    with closing(remake.tables(_for_a_while(clips, budget_s))) as tables:
        return _steady(tables)


def _for_a_while(clips: Iterable[str], seconds: float) -> Iterator[str]:
    """Clip after clip, again and again; each at least twice."""
    clips, until = list(clips), time.monotonic() + seconds
    for number, clip in enumerate(cycle(clips)):
        if number >= 2 * len(clips) and time.monotonic() > until:
            return
        yield clip


def _steady(tables: Iterable[Made]) -> float | None:
    """Valid rows a second from the first rows on, which wait for what is done once."""
    first = last = 0.0
    rows = 0
    for _, _, table in tables:
        last = time.monotonic()
        if isinstance(table, ValueError):
            return None
        if first:
            rows += int(table.valid.sum())
        first = first or last
    return rows / (last - first) if rows and last > first else None


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Torch computes with ``count`` threads in the block."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
