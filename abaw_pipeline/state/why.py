"""``abaw why``: a target by its name or its path, and what there is to say about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from abaw_pipeline.config import Config
from abaw_pipeline.state.fused import ResultsNow
from abaw_pipeline.state.listed import submissions
from abaw_pipeline.state.state import State
from abaw_pipeline.strict import nearest
from abaw_pipeline.submission.packing import zip_path
from abaw_pipeline.submission.write import provenance_path

MOST = 12
"""Lines of one kind that are shown."""
FOLLOWED = 3
"""Inputs of one artefact whose reasons are told."""


def why(config: Config, target: str, most: int | None = MOST) -> Iterator[str]:
    """Lines: what state the target is in and why, what would run for it, what differs and does not count.

    Args:
        most: lines of one kind; ``None``: all of them.
        target: a data set, feature, experiment, ``experiment/fold-seed``, ensemble, or a path below the results.

    Raises:
        ValueError: the settings have no such target.
    """
    states = find(config, target)
    for state in states:
        yield from explain(state)
    todo = list({part.what: part for state in states for part in state.walk() if part.work}.values())
    if todo:
        yield "would run, at most (what comes out the same as before ends it there):"
        yield from _some([f"  {part.work} ({part.what})" for part in todo], most)
    notes = {f"  {part.what}: {note}": None for state in states for part in state.walk() for note in part.notes}
    if notes:
        counts = "counts: libraries: rerun" if config.libraries == "rerun" else "does not count (libraries: note)"
        yield f"noted, {counts}:"
        yield from _some(list(notes), most)


def explain(state: State, depth: int = 0, told: set[str] | None = None) -> Iterator[str]:
    """The state, and below it its reasons; a reason that is another's state is followed to its end, once."""
    told = set() if told is None else told
    margin, again = "  " * depth, state.what in told
    yield f"{margin}{state.what}: {state.status}" + (", as said above" if again else "")
    told.add(state.what)
    if again:
        return
    because = set(state.input_reasons())
    yield from _some([f"{margin}  because {reason}" for reason in state.reasons if reason not in because])
    below = [part for part in state.stale_inputs() if f"{part.what} is {part.status}" in state.reasons]
    for part in below[:FOLLOWED]:
        yield from explain(part, depth + 1, told)
    if len(below) > FOLLOWED:
        yield f"{margin}  and {len(below) - FOLLOWED} more of what it is made from"


def find(config: Config, target: str) -> list[State]:
    """The states of what a name or a path stands for."""
    everything = list(targets(config, ResultsNow(config)))
    found = [one for one in everything if target in one.names]
    if not found:
        path = Path(target)
        found = [one for one in everything if any(path == place or place in path.parents for place in one.places)]
        found = found or [one for one in everything if any(path in place.parents[:3] for place in one.places)]
    if not found:
        names = sorted({name for one in everything for name in one.names})
        raise ValueError(f"no target '{target}'{nearest(target, names)}; or give a path below {config.results}")
    return [one.state() for one in found]


@dataclass(frozen=True)
class Target:
    """Something that can be asked about."""

    names: tuple[str, ...]
    places: tuple[Path, ...]
    state: Callable[[], State]


def targets(config: Config, now: ResultsNow) -> Iterator[Target]:
    """Everything that the settings ask for."""
    for dataset in config.datasets:
        data, layout = now.models.data(dataset), now.models.layout(dataset)
        media = (layout.clips, layout.home / "labels", layout.home / "samples", layout.home / "media")
        yield Target((dataset,), (*media, layout.media_shard(0).parent), lambda data=data: data.media)  # type: ignore[misc]
        if config.transcripts:
            heard = layout.transcripts, layout.transcripts_shard(0).parent
            yield Target(("transcripts",), heard, lambda data=data: data.transcripts)  # type: ignore[misc]
        for name in config.features:
            places = layout.feature_store(name), layout.feature_manifest(name), layout.feature_shard(name, 0).parent
            yield Target((name,), places, partial(data.feature, name))
    for training in now.trainings:
        layout = now.models.layout(training.dataset)
        names = training.experiment, str(training)
        yield Target(names, (layout.model(*training.name),), partial(now.models.training, training))
        for dataset in training.predicts:
            layout = now.models.layout(dataset)
            made = layout.predictions(*training.name), layout.predictions_manifest(*training.name)
            yield Target((), made, partial(now.models.prediction, training, dataset))
    files = submissions(config)
    for name in config.ensembles:
        for dataset in config.ensemble_datasets(name):
            layout, last = now.models.layout(dataset), any((one.name, one.dataset) == (name, dataset) for one in files)
            places = layout.ensemble(name), layout.ensemble_manifest(name), layout.curves(name)
            yield Target(() if last else (name,), places, partial(now.ensemble, name, dataset))
    for asked in files:
        path = now.models.layout(asked.dataset).submission(asked.name, asked.track)
        places = path, zip_path(path), provenance_path(path)
        yield Target((asked.name,), places, partial(now.submission, asked))


def _some(lines: list[str], most: int | None = MOST) -> Iterator[str]:
    yield from lines[:most]
    if most is not None and len(lines) > most:
        yield f"  and {len(lines) - most} more"
