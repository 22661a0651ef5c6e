"""Every stage of the settings with its jobs, new and done, and the frames that the new ones go through."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from abaw_pipeline.config import Config
from abaw_pipeline.datasets.listing import listing_digest
from abaw_pipeline.features.text.settings import reads_made
from abaw_pipeline.media.build import media_speed_key
from abaw_pipeline.planning.frames import Frames, frames_of
from abaw_pipeline.planning.work import Work, single, touched_shards
from abaw_pipeline.runtime.gpus import devices
from abaw_pipeline.runtime.paths import Layout, report_page
from abaw_pipeline.state.fused import ResultsNow
from abaw_pipeline.state.listed import Training, submissions
from abaw_pipeline.state.sources import DataNow
from abaw_pipeline.state.status import used_features
from abaw_pipeline.training.plan import family
from abaw_pipeline.training.pool import home_of


class Stages:
    """What a run with these settings would do now; at most: what comes out the same as before ends it earlier.

    Attributes:
        pending: data sets whose made-up corpus the run writes first: their jobs are known, their frames are not.
        gpu: whether networks compute on a GPU.
    """

    def __init__(self, config: Config) -> None:
        self.config, self.now = config, ResultsNow(config)
        self.pending = {
            name
            for name, settings in config.datasets.items()
            if getattr(settings, "generate", None) and not listing_digest(settings)
        }
        self.gpu = config.device == "cuda" or (config.device == "auto" and bool(devices()))

    def data(self, dataset: str) -> DataNow:
        return self.now.models.data(dataset)

    @cached_property
    def frames(self) -> dict[str, Frames]:
        """By data set, those that are there."""
        return {name: frames_of(self.data(name)) for name in self.config.datasets if name not in self.pending}

    def works(self) -> list[Work]:
        """In the order in which they run."""
        found = [work for dataset in self.config.datasets for work in self._of_dataset(dataset)]
        found += self._trainings()
        found += self._predictions()
        found += self._ends()
        page = report_page(Path(self.config.results))
        return [*found, single("report", "", "", not page.is_file() or any(work.new for work in found))]

    def _of_dataset(self, dataset: str) -> Iterator[Work]:
        config, absent = self.config, dataset in self.pending
        features = used_features(config, dataset, self.now.trainings)
        if not features:
            return  # nobody asks for it
        if getattr(config.datasets[dataset], "generate", None):
            yield Work("corpus", dataset, "", int(absent), int(not absent), None if absent else 0, threads=2)
        yield single("index", dataset, "", absent or not self.data(dataset).index.fine)
        data, shards = self.data(dataset), config.shards
        media = None if absent else data.media
        new = touched_shards(media, shards, data.layout.media_shard)
        amount = self._frames(dataset, media.affected) if media else None
        yield Work("media", dataset, "", new, shards - new, amount, key=media_speed_key(dataset, config.media))
        if any(reads_made(config.features[name]) for name in features):
            yield self._transcripts(dataset, absent)
        for name in features:
            yield from self._feature(dataset, name, absent)

    def _frames(self, dataset: str, clips: set[str]) -> int:
        return self.frames[dataset].total(clips)

    def _transcripts(self, dataset: str, absent: bool) -> Work:
        data, plan = self.data(dataset), self.config.plan_transcripts()
        assert plan is not None  # the settings are refused without it
        state = None if absent else data.transcripts
        new = touched_shards(state, self.config.shards, data.layout.transcripts_shard)
        amount = len(state.affected) if state else None
        return Work("transcribe", dataset, "", new, self.config.shards - new, amount, self.gpu, key=plan.key)

    def _feature(self, dataset: str, name: str, absent: bool) -> Iterator[Work]:
        data, plan, shards = self.data(dataset), self.config.plan(name), self.config.shards
        state = None if absent else data.feature(name)
        new = touched_shards(state, shards, lambda shard: data.layout.feature_shard(name, shard))
        gigabytes = None if absent else _gigabytes(self.frames[dataset], plan.spec.dimension, plan.spec.dtype)
        amount = self._frames(dataset, state.affected) if state else None
        gpu = self.gpu and plan.spec.network
        yield Work("extract", dataset, name, new, shards - new, amount, gpu, plan.threads, plan.key, gigabytes)
        yield single("join", dataset, name, bool(new) or not data.layout.feature_manifest(name).is_file())

    def _trainings(self) -> Iterator[Work]:
        for name, settings in self.config.experiments.items():
            own = [one for one in self.now.trainings if one.experiment == name]
            absent = self.pending & {*own[0].learns_from}
            new = [one for one in own if absent or not self.now.models.training(one).fine]
            amount = None if absent else settings.epochs * sum(self.sides(one)[0] for one in new)
            done, key = len(own) - len(new), family(settings)
            yield Work("train", own[0].dataset, name, len(new), done, amount, self.gpu, key=key)

    def sides(self, training: Training) -> tuple[int, int]:
        """Frames of the training and of the validation clips; of scenes, those of an average one."""
        fold, scenes = self.now.models.fold(training), training.settings.scenes
        trained = self._of_side(training, fold.train) // (scenes.clusters if scenes else 1)
        return trained, self._of_side(training, fold.validation)

    def _of_side(self, training: Training, names: list[str]) -> int:
        homes = (home_of(name, training.dataset, training.settings.extra) for name in names)
        return sum(self.frames[dataset].of.get(clip, 0) for dataset, clip in homes)

    def _predictions(self) -> Iterator[Work]:
        of = {(one.experiment, dataset): one for one in self.now.trainings for dataset in one.predicts}
        for (name, dataset), example in of.items():
            own = [one for one in self.now.trainings if one.experiment == name]
            absent = {dataset, *example.learns_from} & self.pending
            affected = [set() if absent else self.now.models.prediction(one, dataset).affected for one in own]
            fine = [not absent and self.now.models.prediction(one, dataset).fine for one in own]
            amount = None if absent else sum(self._frames(dataset, clips) for clips in affected)
            new = fine.count(False)
            yield Work("infer", dataset, name, new, len(own) - new, amount, self.gpu, key=family(example.settings))

    def _ends(self) -> Iterator[Work]:
        """Ensembles, and what is written of them."""
        config = self.config
        for name in config.ensembles:
            for dataset in config.ensemble_datasets(name):
                layout, absent = Layout(Path(config.results), dataset), bool(self._behind(name, dataset) & self.pending)
                stale = absent or not self.now.ensemble(name, dataset).fine
                yield single("ensemble", dataset, name, stale)
                if not config.datasets[dataset].samples:
                    yield single("curves", dataset, name, stale or not (layout.curves(name) / "done.json").is_file())
        for asked in submissions(config):
            behind = set().union(*(self._behind(name, asked.dataset) for name in asked.ensembles.values()))
            stale = bool(behind & self.pending) or not self.now.submission(asked).fine
            yield single("submit", asked.dataset, asked.name, stale)

    def _behind(self, ensemble: str, dataset: str) -> set[str]:
        """The data sets that an ensemble's predictions come from."""
        members = self.now.members(ensemble)
        return {dataset, *(name for one in members for name in one.learns_from)}


def _gigabytes(frames: Frames, dimension: int, dtype: str) -> float:
    """Values and one flag for every frame."""
    return sum(frames.of.values()) * (dimension * np.dtype(dtype).itemsize + 1) / 1e9
