"""Predict clips with one trained model, one value per frame. A verb of its own: a new clip never retrains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abaw_pipeline.datasets.index import read_clips
from abaw_pipeline.features.files.stack import HELD, TRAINED
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.code import library_text
from abaw_pipeline.runtime.journal import NO_JOURNAL, Journal
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.training.card import Card, read_card
from abaw_pipeline.training.outputs import keep_only
from abaw_pipeline.training.plan import PREDICTION_MODULES, family, prediction_code, prediction_key, recipe
from abaw_pipeline.training.pool import part_of
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.sources import Sources, check_same_features
from abaw_pipeline.training.splits.folds import Fold, joint_splits
from abaw_pipeline.types import Clip, Skipped

if TYPE_CHECKING:
    import torch


def infer(
    experiment: str,
    settings: ExperimentSettings,
    fold: str,
    seed: int,
    home: Layout,
    target: Layout,
    device: Callable[[], torch.device] | None = None,
    feature_keys: Mapping[str, str] | None = None,
    journal: Journal = NO_JOURNAL,
) -> Manifest:
    """Predict every clip of ``target`` that the model was not trained on; clips whose key matches are kept.

    Args:
        home: layout of the data set the model was trained on.
        target: layout of the data set to predict; may be the same.
        device, feature_keys: as in ``train.train``.

    Returns:
        The manifest, as written: per clip ``key``, ``content``, ``rows`` and ``role`` (see ``roles``).

    Raises:
        ValueError: the model or its features were made from other settings, or an earlier stage is missing.
    """
    found = survey(experiment, settings, fold, seed, home, target, feature_keys)
    store = prediction_store(experiment, fold, seed, target)
    manifest = Manifest(_about(found.card, target.dataset), skipped=found.skipped)
    if found.todo:
        _predict(found, home.model(experiment, fold, seed), store, manifest.about, device, journal)
    for clip, key in found.keys.items():
        content = (store.attributes(clip) or {})["content"]
        rows, role = found.sources.frames(clip), found.roles[clip]
        manifest.clips[clip] = {"key": key, "content": content, "rows": rows, "role": role}
    keep_only(store, manifest.clips)
    manifest.write(target.predictions_manifest(experiment, fold, seed))
    return manifest


_NOTED = ("experiment", "fold", "seed", "tasks", "random_features")
"""What every clip's predictions say of their model."""


@dataclass(frozen=True)
class Survey:
    """What a model's predictions lack: found by comparing keys, before anything heavy is imported."""

    card: Card
    sources: Sources
    roles: dict[str, str]
    keys: dict[str, str]
    """The key that each clip's predictions must have."""
    todo: list[str]
    """Clips whose predictions are missing or have another key."""
    skipped: list[Skipped]
    stills: frozenset[str]
    """Clips that are bundles of stills."""


def survey(
    experiment: str,
    settings: ExperimentSettings,
    fold: str,
    seed: int,
    home: Layout,
    target: Layout,
    feature_keys: Mapping[str, str] | None,
) -> Survey:
    """Compare the predictions of one model with what the settings ask for; arguments and errors as ``infer``."""
    folder = home.model(experiment, fold, seed)
    card = read_card(folder)
    if card.recipe != recipe(settings, fold, seed):
        raise ValueError(f"{folder}: trained with other settings or code than now; {_remedy(experiment, fold, seed)}")
    sources = Sources(target, settings.features, feature_keys)
    check_same_features(card.features, sources.notes, str(folder))
    clips = read_clips(target)
    wanted = roles(clips, card.tasks, seen_by(card, target.dataset), settings.predict_trained)
    kept, skipped = sources.usable(wanted, "infer")
    code, store = prediction_code(), prediction_store(experiment, fold, seed, target)
    keys = {clip: prediction_key(settings, card.content, sources.contents(clip), code) for clip in kept}
    todo = [clip for clip, key in keys.items() if store.key(clip) != key]
    stills = frozenset(clip.id for clip in clips if clip.stills)
    return Survey(card, sources, wanted, keys, todo, skipped, stills)


def prediction_store(experiment: str, fold: str, seed: int, target: Layout) -> ArrayStore:
    """Where the predictions of one model for one data set lie."""
    return ArrayStore(target.predictions(experiment, fold, seed), _remedy(experiment, fold, seed, "infer"))


def _predict(
    found: Survey,
    folder: Path,
    store: ArrayStore,
    about: Mapping[str, Any],
    device: Callable[[], torch.device] | None,
    journal: Journal,
) -> None:
    import torch  # only where there is work

    from abaw_pipeline.runtime.device import named
    from abaw_pipeline.training.model_store import load_model

    place = device() if device else torch.device("cpu")
    model = load_model(folder, place)
    noted = {**{name: about[name] for name in _NOTED}, "libraries": library_text(*PREDICTION_MODULES)}
    journal.begin(len(found.todo), named(place), family(found.card.settings))
    for clip in progress(found.todo, f"predict {found.card.experiment}"):
        tables = found.sources.read(clip)
        made = model.predict(dict(zip(found.sources.names, tables, strict=True)), clip, clip in found.stills)
        store.write_arrays(clip, made, found.keys[clip], noted)
        journal.did(clip, len(tables[0].valid))
    journal.end()


def seen_by(card: Card, dataset: str) -> Fold | None:
    """The clips of a data set that models of its fold were trained on and held to; ``None`` where it saw none of it."""
    return part_of(Fold(card.learned_from, card.validation), dataset, card.dataset, card.settings.extra)


def roles(clips: Sequence[Clip], tasks: Sequence[str], fold: Fold | None, trained: bool = False) -> dict[str, str]:
    """The clips that a model of ``fold`` predicts; ``None``: they are of a data set that it saw nothing of.

    ``val``: held out of its training, and what its best epoch was chosen by. ``apart``: official validation clips
    that no fold of the experiment uses (``folds.over: train``, those of an extra data set). ``test``: the test split.
    ``all``: any clip of another data set. Clips that it was trained on are predicted where
    ``trained`` says so, as ``trained``.

    Args:
        tasks: what the model predicts; a clip counts by ``joint_splits``.
    """
    if fold is None:
        return {clip.id: "all" for clip in clips}
    found, splits = {}, joint_splits(clips, tasks)
    for clip in clips:
        split = splits.get(clip.id)
        if clip.id in fold.validation:
            found[clip.id] = HELD
        elif clip.id in fold.train:
            found.update({clip.id: TRAINED} if trained else {})
        elif split in ("val", "test"):
            found[clip.id] = "apart" if split == "val" else "test"
    return found


def _about(card: Card, dataset: str) -> dict[str, Any]:
    """What the manifest says of the model; ``trained_on`` lists the clips of this data set it must not predict."""
    return {
        "experiment": card.experiment,
        "fold": card.fold,
        "seed": card.seed,
        "tasks": card.tasks,
        "model": card.key,
        "code": prediction_code(),
        "trained_on": own.train if (own := seen_by(card, dataset)) else [],
        "features": [asdict(note) for note in card.features],
        "random_features": card.random_features,
    }


def _remedy(experiment: str, fold: str, seed: int, verb: str = "train") -> str:
    return f"run 'abaw {verb} {experiment} --fold {fold} --seed {seed}'"
