"""``abaw status``: how far each stage is, what is under way, and what stopped half-way. Quick, at any time.

Keys are compared where that costs a small file a clip or a training; recordings are not looked at (``abaw why`` does).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from abaw_pipeline.config import Config
from abaw_pipeline.features.extract import clip_keys
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.features.text.settings import reads_made
from abaw_pipeline.runtime.journal import Stretch, stretches
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout, journals
from abaw_pipeline.state.listed import Training, submissions, trainings
from abaw_pipeline.state.manifests import manifest_or_none
from abaw_pipeline.state.transcripts import due_clips
from abaw_pipeline.state.words import duration
from abaw_pipeline.training.card import read_card
from abaw_pipeline.training.plan import recipe


@dataclass(frozen=True)
class Stage:
    """How far a stage is."""

    name: str
    done: int
    of: int
    unit: str

    @property
    def line(self) -> str:
        mark = "done" if self.done >= self.of else f"{self.done / max(self.of, 1):4.0%}"
        return f"{self.name:<40} {self.done:>6} of {self.of:<6} {self.unit:<12} {mark}"


@dataclass(frozen=True)
class Job:
    """The last working call of a job that is under way, or that stopped before its end."""

    name: str
    stretch: Stretch

    @property
    def line(self) -> str:
        one = self.stretch
        done = f"{len(one.did)} of {one.todo} {one.unit}s"
        if not one.running:
            return f"stopped   {self.name}: after {done}; the next run goes on from there"
        rate = one.rate
        left = f", {duration((one.todo - len(one.did)) / rate)} left" if rate else ""
        return f"running   {self.name}: {done} in {duration(time.time() - one.began)}{left} (on {one.host})"


def stages(config: Config) -> Iterator[Stage]:
    """Every stage of the settings, in order."""
    everything = list(trainings(config))
    for dataset in config.datasets:
        layout = Layout(Path(config.results), dataset)
        index = manifest_or_none(layout.clips)
        clips = set(index.clips) if index else set()
        media = [Manifest.read(path, "abaw media") for path in layout.media_shards()]
        left_out = {row.clip for part in media for row in part.skipped}
        contents = {clip: entry["contents"] for part in media for clip, entry in part.clips.items() if clip in clips}
        yield Stage(f"media of {dataset}", len(contents), len(clips - left_out), "clips")
        features = used_features(config, dataset, everything)
        if plan := config.plan_transcripts() if any(reads_made(config.features[name]) for name in features) else None:
            due = due_clips(plan, layout, {clip: own["sound"] for clip, own in contents.items()})
            yield Stage(f"transcripts of {dataset}", len(contents) - len(due), len(clips - left_out), "clips")
        for feature in features:
            done = _extracted(config, layout, feature, contents)
            yield Stage(f"{feature} of {dataset}", done, len(clips - left_out), "clips")
    yield Stage("trainings", sum(_trained(config, one) for one in everything), len(everything), "models")
    pairs = [(one, dataset) for one in everything for dataset in one.predicts]
    predicted = [Layout(Path(config.results), d).predictions_manifest(*one.name).is_file() for one, d in pairs]
    yield Stage("predictions", sum(predicted), len(pairs), "models")
    fused = [(name, dataset) for name in config.ensembles for dataset in config.ensemble_datasets(name)]
    there = [Layout(Path(config.results), dataset).ensemble_manifest(name).is_file() for name, dataset in fused]
    yield Stage("ensembles", sum(there), len(fused), "ensembles")
    files = [Layout(Path(config.results), one.dataset).submission(one.name, one.track) for one in submissions(config)]
    yield Stage("submissions", sum(path.is_file() for path in files), len(files), "files")


def jobs(config: Config) -> list[Job]:
    """Jobs that are under way or stopped half-way, those under way first."""
    found = []
    for path in sorted(journals(Path(config.results)).glob("*/*.jsonl")):
        calls = stretches(path)
        if calls and not calls[-1].ended:
            found.append(Job(f"{path.parent.name} {path.stem}", calls[-1]))
    return sorted(found, key=lambda job: not job.stretch.running)


def used_features(config: Config, dataset: str, everything: Iterable[Training]) -> list[str]:
    """The features of a data set that a training reads, or a model predicts from; in the order of the settings."""
    used = {name for one in everything if dataset in (*one.learns_from, *one.predicts) for name in one.reads(dataset)}
    return [name for name in config.features if name in used]


def _extracted(config: Config, layout: Layout, feature: str, contents: dict[str, dict[str, str]]) -> int:
    plan, store = config.plan(feature), FeatureStore(layout.feature_store(feature))
    return sum(store.key(clip) == key for clip, key in clip_keys(plan, layout, contents).items())


def _trained(config: Config, training: Training) -> bool:
    folder = Layout(Path(config.results), training.dataset).model(*training.name)
    try:
        return read_card(folder).recipe == recipe(training.settings, training.fold, training.seed)
    except ValueError:  # none there, or one of another version
        return False
