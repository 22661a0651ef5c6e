"""Train one fold and seed of an experiment, and keep the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.card import Card
from abaw_pipeline.training.gather import Material, gather
from abaw_pipeline.training.loop import Labelled, Trained, fit
from abaw_pipeline.training.model_store import build_network, kept_card, save_model
from abaw_pipeline.training.resident import Standard
from abaw_pipeline.training.samples import Moments
from abaw_pipeline.training.scores import SCORES
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.sides import load_side


def train(
    experiment: str,
    settings: ExperimentSettings,
    fold: str,
    seed: int,
    layout: Layout,
    device: torch.device | str = "cpu",
    feature_keys: Mapping[str, str] | None = None,
) -> tuple[Card, bool]:
    """Train, unless the model that is there was made from the same settings, code, features and labels.

    Args:
        layout: of the data set to train on.
        feature_keys: the key that each feature must have by the settings in force; ``None``: whatever is there.

    Returns:
        What the model is, and whether it was trained now.

    Raises:
        ValueError: an earlier stage is missing or stale, a side without annotated frames, values not finite.
    """
    material = gather(settings, fold, seed, layout, feature_keys)
    folder = layout.model(experiment, fold, seed)
    if kept := kept_card(folder, material.key):
        return kept, False
    material.require_clips()
    training, moments = _load(material, "train")
    validation, _ = _load(material, "validation")
    standard = Standard(*map(torch.from_numpy, moments.result(settings.features)))
    trained = fit(
        lambda: build_network(settings, sum(material.sources.widths)),
        training,
        validation,
        standard,
        settings,
        seed,
        SCORES[settings.task],
        torch.device(device),
    )
    card = _card(experiment, fold, seed, layout.dataset, material, trained)
    return save_model(folder, card, trained.network, standard, trained.history), True


def _load(material: Material, side: str) -> tuple[Labelled, Moments]:
    sources, settings = material.sources, material.settings
    return load_side(material.sides[side], sources.read, sources.widths, settings.gap, training=side == "train")


def _card(experiment: str, fold: str, seed: int, dataset: str, material: Material, trained: Trained) -> dict[str, Any]:
    settings, chosen = material.settings, trained.chosen
    columns = TASKS[settings.task].columns
    return {
        "key": material.key,
        "recipe": material.recipe,
        "experiment": experiment,
        "dataset": dataset,
        "task": settings.task,
        "fold": fold,
        "seed": seed,
        "settings": settings,
        "features": material.sources.notes,
        "train": material.fold.train,
        "validation": material.fold.validation,
        "best_epoch": chosen.epoch,
        "epochs": len(trained.history),
        "metrics": {"mean": chosen.mean, **dict(zip(columns, chosen.columns, strict=True))},
        "notes": material.notes,
        "skipped": material.skipped,
    }
