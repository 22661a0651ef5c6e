"""State of trainings and of their predictions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from abaw_pipeline import __version__
from abaw_pipeline.config import Config
from abaw_pipeline.runtime.code import code_parts, libraries
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.state.listed import Training
from abaw_pipeline.state.sources import DataNow
from abaw_pipeline.state.state import MISSING, State
from abaw_pipeline.state.words import clips_in_words, code_changes, count, settings_changes
from abaw_pipeline.training.aligned import align_labels
from abaw_pipeline.training.card import HISTORY, Card, card_in_weights
from abaw_pipeline.training.gather import labels_of
from abaw_pipeline.training.infer import prediction_store, roles, seen_by
from abaw_pipeline.training.plan import prediction_code, prediction_key, recipe, training_modules
from abaw_pipeline.training.pool import Pool, home_of, part_of, pool_of
from abaw_pipeline.training.scenes import scene_contents
from abaw_pipeline.training.splits.folds import Fold
from abaw_pipeline.training.splits.names import fold_and_scene

_ELSEWHERE = ("dataset", "seeds")


class ModelsNow:
    """Trainings and predictions as they are now, by the settings in force. Everything is read once."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._data: dict[str, DataNow] = {}

    def data(self, dataset: str) -> DataNow:
        if dataset not in self._data:
            self._data[dataset] = DataNow(self.config, dataset)
        return self._data[dataset]

    def layout(self, dataset: str) -> Layout:
        return Layout(Path(self.config.results), dataset)

    @cache  # noqa: B019  # lives as long as the command
    def card(self, training: Training) -> Card | None:
        folder = self.layout(training.dataset).model(*training.name)
        return card_in_weights(folder) if (folder / HISTORY).is_file() else None

    @cache  # noqa: B019
    def training(self, training: Training) -> State:
        settings, datasets = training.settings, training.learns_from
        state = State(f"training {training}")
        state.inputs = [self.data(dataset).feature(name) for dataset in datasets for name in training.reads(dataset)]
        fold, card = self.fold(training), self.card(training)
        for dataset in datasets:
            part = part_of(fold, dataset, training.dataset, settings.extra) or Fold([], [])
            for source in (self.data(dataset).feature(name) for name in training.reads(dataset)):
                if not source.fine and (source.whole or source.affected & {*part.train, *part.validation}):
                    state.stale([f"{source.what} is {source.status}"])
        if card is None:
            state.stale([self._why_no_model(training)], MISSING)
        else:
            state.stale(_recipe_changes(card, training))
            state.stale(_side_changes(card, fold))
            state.stale(self._scene_changes(card, training, fold))
            state.stale(self._data_changes(card, training, {*fold.train, *fold.validation}))
            state.notes = _version_notes(card, training)
        state.work = "" if state.fine else f"train {count(settings.epochs, 'epoch')} at most"
        return state

    def _why_no_model(self, training: Training) -> str:
        folder = self.layout(training.dataset).model(*training.name)
        return "its weights or history are gone" if folder.is_dir() else "it was never trained"

    @cache  # noqa: B019
    def _pool(self, training: Training) -> Pool:
        own, *extra = ((self.data(name).found.clips, self.data(name).found.labels) for name in training.learns_from)
        return pool_of(own, dict(zip(training.settings.extra, extra, strict=True)), list(training.settings.targets))

    def fold(self, training: Training) -> Fold:
        """The clips of both its sides, by the folders and settings as they are now; joined ones as in ``pool.py``.

        With scenes, the training side of all of them: which clip is of which scene, the training finds out.
        """
        return self._pool(training).fold(training.settings.folds, fold_and_scene(training.fold, training.settings)[0])

    def _seen(self, training: Training, dataset: str) -> Fold | None:
        """The clips that its model was, or is to be, trained on and held to; ``None`` where it sees none of them."""
        card = self.card(training)
        if card and self.training(training).fine:
            return seen_by(card, dataset)
        return part_of(self.fold(training), dataset, training.dataset, training.settings.extra)

    def _scene_changes(self, card: Card, training: Training, fold: Fold) -> list[str]:
        scenes, data = training.settings.scenes, self.data(training.dataset)
        manifest = data.feature_manifest(scenes.feature) if scenes else None
        if not scenes or not card.scene or not manifest or scene_contents(manifest, fold.train) == card.scene.contents:
            return []
        return [f"its scenes were divided by other values of {scenes.feature}"]

    def _data_changes(self, card: Card, training: Training, clips: set[str]) -> list[str]:
        """Clips whose features or labels are other than the model was trained on; those known to be stale are left."""
        features: dict[str, set[str]] = {name: set() for name in training.settings.features}
        labelled: set[str] = set()
        for clip in clips & card.data.keys():
            before = dict(zip(training.settings.features, card.data[clip], strict=False))
            dataset, name = home_of(clip, training.dataset, training.settings.extra)
            for feature in features:
                manifest = self.data(dataset).feature_manifest(feature)
                entry = manifest.clips.get(name) if manifest else None
                if entry and not self.data(dataset).feature(feature).affected & {name}:
                    if entry["content"][:16] != before.get(feature):
                        features[feature].add(clip)
                    elif self._label_digest(training, clip, entry["rows"]) != card.data[clip][-1]:
                        labelled.add(clip)
        changed = [line for name, names in features.items() for line in clips_in_words(names, f"with another {name}")]
        return changed + clips_in_words(labelled, "with other labels")

    def _label_digest(self, training: Training, clip: str, frames: int) -> str:
        pool = self._pool(training)
        if not (own := labels_of(clip, pool.labels)):
            return ""
        return align_labels(own, frames, training.settings.extra_rows, clip, clip in pool.stills).digest

    @cache  # noqa: B019
    def prediction(self, training: Training, dataset: str) -> State:
        model, data = self.training(training), self.data(dataset)
        sources = [data.feature(name) for name in training.settings.features]
        state = State(f"prediction of {training} for {dataset}", inputs=[model, *sources])
        card = self.card(training)
        settings, seen = training.settings, self._seen(training, dataset)
        wanted = roles(data.found.clips, list(settings.targets), seen, settings.predict_trained)
        manifests = [data.feature_manifest(name) for name in training.settings.features]
        for source in sources:
            state.stale([f"{source.what} is {source.status}"] if source.affected & wanted.keys() else [])
        there = {clip for clip in wanted if all(found and clip in found.clips for found in manifests)}
        affected = {clip for source in sources for clip in source.affected} & wanted.keys()
        if card is None or not model.fine:
            state.stale([f"{model.what} is {model.status}"])
            state.affected = there | affected
        else:
            stale = self._stale_predictions(training, dataset, card, there - affected)
            state.stale(clips_in_words(stale, "not predicted by this model and code from these features"))
            state.affected = stale | affected
        gone = not self.layout(dataset).predictions_manifest(*training.name).is_file()
        state.stale(["it was never made"] if gone and state.affected else [], MISSING)
        state.work = f"predict {count(len(state.affected), 'clip')}" if state.affected else ""
        return state

    def _stale_predictions(self, training: Training, dataset: str, card: Card, clips: set[str]) -> set[str]:
        data, store = self.data(dataset), prediction_store(*training.name, self.layout(dataset))
        stale = set()
        for clip in clips:
            entries = [data.feature_manifest(name) for name in training.settings.features]
            contents = [found.clips[clip]["content"] for found in entries if found]
            if store.key(clip) != prediction_key(training.settings, card.content, contents, prediction_code()):
                stale.add(clip)
        return stale


def _recipe_changes(card: Card, training: Training) -> list[str]:
    settings = training.settings
    if card.recipe == recipe(settings, training.fold, training.seed):
        return []
    exclude = set(_ELSEWHERE)
    found = settings_changes(
        card.settings.model_dump(mode="json", exclude=exclude), settings.model_dump(mode="json", exclude=exclude)
    )
    found += code_changes(card.modules, code_parts(*training_modules(settings)))
    return found or ["the training's version was raised, or versions of libraries count (libraries: rerun)"]


def _side_changes(card: Card, fold: Fold) -> list[str]:
    found, sides = [], {"train": (card.learned_from, fold.train), "validation": (card.validation, fold.validation)}
    for side, (before, now) in sides.items():
        found += clips_in_words(set(now) - set(before), f"more on the {side} side")
        found += clips_in_words(set(before) - set(now), f"fewer on the {side} side")
    return found


def _version_notes(card: Card, training: Training) -> list[str]:
    now: Mapping[str, str] = {"abaw_pipeline": __version__, **libraries(*training_modules(training.settings))}
    return [
        f"trained with {name} {card.versions[name]}, now {now[name]}"
        for name in sorted(now)
        if card.versions.get(name, now[name]) != now[name]
    ]
