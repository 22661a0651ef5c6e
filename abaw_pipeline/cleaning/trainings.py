"""What trainings that no setting asks for left: models, checkpoints, event files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from abaw_pipeline.cleaning.places import Place, names, present
from abaw_pipeline.cleaning.wanted import Wanted
from abaw_pipeline.runtime.paths import Layout

RUN = re.compile(r"[a-z0-9]+-(0|[1-9]\d*)")
"""The folder of a fold and seed."""
_MODEL_FILES = ("model.json", "weights.safetensors", "history.csv")


def trainings(layout: Layout, want: Wanted) -> Iterator[Place]:
    """A checkpoint of a training that is asked for stays: it was killed, and will go on from there."""
    models, shown = layout.model("x", "x", 0).parents[1], layout.events("x", "x", 0).parents[1]
    end = layout.checkpoint("x", "x", 0).suffix
    for experiment in sorted({*names(models), *names(shown)}):
        home, events = models / experiment, shown / experiment
        runs = {*names(home), *names(home, end, files=True), *names(events)}
        for run in sorted(filter(RUN.fullmatch, runs)):
            if (experiment, run) not in want.models:
                files = [*(home / run / name for name in _MODEL_FILES), home / f"{run}{end}"]
                files += sorted((events / run).glob("events.out.tfevents.*"))
                yield Place(home / run, f"no training '{experiment}/{run}'", present(*files))
