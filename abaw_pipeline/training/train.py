"""Train one fold and seed of an experiment, and keep the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abaw_pipeline import __version__
from abaw_pipeline.runtime.code import code_parts, libraries
from abaw_pipeline.runtime.journal import NO_JOURNAL, Journal
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.training.card import Card, kept_card
from abaw_pipeline.training.gather import Material, gather
from abaw_pipeline.training.plan import training_code, training_modules
from abaw_pipeline.training.settings import ExperimentSettings

if TYPE_CHECKING:
    import torch


def train(
    experiment: str,
    settings: ExperimentSettings,
    fold: str,
    seed: int,
    layout: Layout,
    device: Callable[[], torch.device] | None = None,
    feature_keys: Mapping[str, str] | None = None,
    journal: Journal = NO_JOURNAL,
) -> tuple[Card, bool]:
    """Train, unless the model that is there was made from the same settings, code, features and labels.

    Args:
        layout: of the data set to train on.
        device: gives the device to train on, and may wait for one; asked only if there is work. ``None``: the CPU.
        feature_keys: the key that each feature must have by the settings in force; ``None``: whatever is there.

    Returns:
        What the model is, and whether it was trained now.

    Raises:
        ValueError: an earlier stage is missing or stale, a side without annotated frames, values not finite.
        CannotWrite: there is no room for the model; known before the first epoch.
    """
    material = gather(settings, fold, seed, layout, feature_keys)
    if kept := kept_card(layout.model(experiment, fold, seed), material.key, material.sources.notes, material.scene):
        layout.checkpoint(experiment, fold, seed).unlink(missing_ok=True)  # left where a kill came after the model
        return kept, False
    material.require_clips()
    return make_model(experiment, fold, seed, layout, material, device, journal=journal), True


def make_model(
    experiment: str,
    fold: str,
    seed: int,
    layout: Layout,
    material: Material,
    device: Callable[[], torch.device] | None = None,
    folder: Path | None = None,
    journal: Journal = NO_JOURNAL,
) -> Card:
    """Train on ``material``, whatever is there already, and keep the model.

    Args:
        folder: where to keep it, its checkpoint and event file beside it; ``None``: where the layout says.
    """
    from abaw_pipeline.training.fit import Places, fit_material  # imports torch: only where there is work

    about = _card(experiment, fold, seed, layout.dataset, material)
    if folder:
        places = Places(folder, folder.with_suffix(".checkpoint"), folder.with_suffix(".tensorboard"))
    else:
        name = (experiment, fold, seed)
        places = Places(layout.model(*name), layout.checkpoint(*name), layout.events(*name))
    return fit_material(material, seed, about, places, device, journal)


def _card(experiment: str, fold: str, seed: int, dataset: str, material: Material) -> dict[str, Any]:
    """The fields of ``Card`` that are known before the training."""
    settings = material.settings
    modules = training_modules(settings)
    return {
        "key": material.key,
        "recipe": material.recipe,
        "code": training_code(settings),
        "modules": code_parts(*modules),
        "data": material.data,
        "experiment": experiment,
        "dataset": dataset,
        "tasks": list(settings.targets),
        "fold": fold,
        "seed": seed,
        "settings": settings,
        "features": material.sources.notes,
        "train": material.fold.train,
        "validation": material.fold.validation,
        "notes": material.notes,
        "skipped": material.skipped,
        "scene": material.scene,
        "versions": {"abaw_pipeline": __version__, **libraries(*modules)},
    }
