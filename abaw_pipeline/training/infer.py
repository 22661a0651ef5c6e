"""Predict clips with one trained model, one value per frame. A verb of its own: a new clip never retrains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch

from abaw_pipeline.datasets.index import read_clips
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.training.card import Card, read_card
from abaw_pipeline.training.model_store import TrainedModel, load_model
from abaw_pipeline.training.outputs import keep_only
from abaw_pipeline.training.plan import prediction_code, recipe
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.sources import Sources, check_same_features
from abaw_pipeline.types import Clip


def infer(
    experiment: str,
    settings: ExperimentSettings,
    fold: str,
    seed: int,
    home: Layout,
    target: Layout,
    device: torch.device | str = "cpu",
    feature_keys: Mapping[str, str] | None = None,
) -> Manifest:
    """Predict every clip of ``target`` that the model was not trained on; clips whose key matches are kept.

    Args:
        home: layout of the data set the model was trained on.
        target: layout of the data set to predict; may be the same.
        feature_keys: as in ``train.train``.

    Returns:
        The manifest, as written: per clip ``key``, ``content``, ``rows`` and ``role`` (see ``roles``).

    Raises:
        ValueError: the model or its features were made from other settings, or an earlier stage is missing.
    """
    folder = home.model(experiment, fold, seed)
    card = read_card(folder)
    if card.recipe != recipe(settings, fold, seed):
        raise ValueError(f"{folder}: trained with other settings or code than now; {_remedy(experiment, fold, seed)}")
    sources = Sources(target, settings.features, feature_keys)
    check_same_features(card.features, sources.notes, str(folder))
    clips = roles(card, read_clips(target), target.dataset)
    kept, skipped = sources.usable(clips, "infer")
    store = ArrayStore(target.predictions(experiment, fold, seed), f"{_remedy(experiment, fold, seed, 'infer')}")
    manifest = Manifest(_about(card, target.dataset), skipped=skipped)
    model: TrainedModel | None = None
    for clip in progress(kept, f"predict {experiment}"):
        key = digest([card.key, card.content, sources.contents(clip), prediction_code()])
        attributes = store.attributes(clip) or {}
        if attributes.get("key") != key:
            model = model or load_model(folder, device)
            values = model.predict(dict(zip(sources.names, sources.read(clip), strict=True)), clip)
            attributes["content"] = store.write_arrays(clip, {card.task: values}, key, manifest.about)
        manifest.clips[clip] = {
            "key": key,
            "content": attributes["content"],
            "rows": sources.frames(clip),
            "role": clips[clip],
        }
    keep_only(store, manifest.clips)
    manifest.write(target.predictions_manifest(experiment, fold, seed))
    return manifest


def roles(card: Card, clips: Sequence[Clip], dataset: str) -> dict[str, str]:
    """The clips that a model predicts.

    ``val``: held out of its training, and what its best epoch was chosen by. ``apart``: official validation clips
    that no fold of the experiment uses (``folds.over: train``). ``test``: the test split. ``all``: any clip of
    another data set. Clips that it was trained on are never predicted.
    """
    if dataset != card.dataset:
        return {clip.id: "all" for clip in clips}
    found = {}
    for clip in clips:
        split = clip.splits.get(card.task)
        if clip.id in card.validation:
            found[clip.id] = "val"
        elif clip.id not in card.train and split in ("val", "test"):
            found[clip.id] = "apart" if split == "val" else "test"
    return found


def _about(card: Card, dataset: str) -> dict[str, Any]:
    """What the manifest says of the model; ``trained_on`` lists the clips of this data set it must not predict."""
    return {
        "experiment": card.experiment,
        "fold": card.fold,
        "seed": card.seed,
        "task": card.task,
        "model": card.key,
        "trained_on": card.train if dataset == card.dataset else [],
        "features": [asdict(note) for note in card.features],
        "random_features": card.random_features,
    }


def _remedy(experiment: str, fold: str, seed: int, verb: str = "train") -> str:
    return f"run 'abaw {verb} {experiment} --fold {fold} --seed {seed}'"
