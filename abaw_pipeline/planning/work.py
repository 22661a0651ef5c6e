"""One stage of a run, of one data set, feature, experiment or ensemble: its jobs, and what they go through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from abaw_pipeline.runtime.paths import shard_of
from abaw_pipeline.state.state import State


@dataclass(frozen=True)
class Work:
    """A line of the plan.

    Attributes:
        stage: the rule.
        dataset: that it works on: a training's own, or the one that is predicted.
        name: of the feature, experiment or ensemble; empty for the stages before.
        new, done: jobs that would run, and jobs whose result is up to date.
        amount: frames that the new jobs go through, those of every epoch of a training (clips in ``transcribe``);
            ``None``: not known yet.
        gpu: whether it computes on a GPU.
        threads: CPU threads of a job.
        key: of what decides the speed (``Journal.begin``); empty where nothing but the start of a job takes time.
        gigabytes: of all that the stage keeps, done or not (10**9 bytes, before compression).
    """

    stage: str
    dataset: str
    name: str
    new: int
    done: int
    amount: int | None = 0
    gpu: bool = False
    threads: int = 1
    key: str = ""
    gigabytes: float | None = None


def single(stage: str, dataset: str, name: str, new: bool) -> Work:
    """A stage of one short job."""
    return Work(stage, dataset, name, int(new), int(not new))


def touched_shards(state: State | None, shards: int, manifest: Callable[[int], Path]) -> int:
    """Shards that have something to do.

    Args:
        state: ``None``: nothing is there yet.
        manifest: where each shard's manifest lies.
    """
    if state is None or state.whole:
        return shards
    affected = {shard_of(clip, shards) for clip in state.affected}
    return sum(number in affected or not manifest(number).is_file() for number in range(shards))
