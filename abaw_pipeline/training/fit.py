"""From the material of one training to a kept model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from abaw_pipeline.runtime.device import named
from abaw_pipeline.runtime.journal import Journal
from abaw_pipeline.training.card import Card
from abaw_pipeline.training.gather import Material
from abaw_pipeline.training.labelled import Labelled
from abaw_pipeline.training.loop import fit
from abaw_pipeline.training.model_store import room_for_model, save_model
from abaw_pipeline.training.moments import Moments
from abaw_pipeline.training.resident import Standard
from abaw_pipeline.training.sides import load_side
from abaw_pipeline.training.targets import build_network


def fit_material(
    material: Material,
    seed: int,
    about: dict[str, Any],
    folder: Path,
    device: Callable[[], torch.device] | None,
    journal: Journal,
) -> Card:
    """Read both sides, train, and write the model to ``folder``.

    Args:
        about: the fields of ``Card`` that are known before the training.
        device: as in ``train.train``; asked for when the features are in memory.

    Raises:
        ValueError: a side without annotated frames, values not finite.
        CannotWrite: there is no room for the model; known before the first epoch.
    """
    settings = material.settings
    training, moments = _load(material, "train")
    validation, _ = _load(material, "validation")
    standard = Standard(*map(torch.from_numpy, moments.result(settings.features)))
    place = device() if device else torch.device("cpu")
    with room_for_model(folder, settings, sum(material.sources.widths)):
        journal.begin(settings.epochs)
        trained = fit(
            lambda: build_network(settings, sum(material.sources.widths)),
            training,
            validation,
            standard,
            settings,
            seed,
            SCORES[settings.task],
            place,
            lambda epoch: journal.did(epoch, sum(training.clips.lengths)),
        )
    chosen = trained.chosen
    scores = dict(zip(TASKS[settings.task].columns, chosen.columns, strict=True))
    result = {"best_epoch": chosen.epoch, "epochs": len(trained.history), "metrics": {"mean": chosen.mean, **scores}}
    result |= {"device": named(place), "threads": torch.get_num_threads()}
    card = save_model(folder, {**about, **result}, trained.network, standard, trained.history)
    journal.end()
    return card


def _load(material: Material, side: str) -> tuple[Labelled, Moments]:
    sources, settings = material.sources, material.settings
    return load_side(material.sides[side], sources.read, sources.widths, settings.gap, training=side == "train")
