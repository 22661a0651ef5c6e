"""From the material of one training to a kept model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from abaw_pipeline.runtime.device import named
from abaw_pipeline.runtime.journal import Journal
from abaw_pipeline.training.card import Card
from abaw_pipeline.training.gather import Material
from abaw_pipeline.training.history import Epoch
from abaw_pipeline.training.labelled import Labelled
from abaw_pipeline.training.loop import fit, measured
from abaw_pipeline.training.model_store import room_for_model, save_model
from abaw_pipeline.training.moments import Moments
from abaw_pipeline.training.optimisation.checkpoint import Checkpoint
from abaw_pipeline.training.plan import family
from abaw_pipeline.training.predict import Serving, predict_serving
from abaw_pipeline.training.resident import Standard
from abaw_pipeline.training.sides import load_side
from abaw_pipeline.training.targets import build_network
from abaw_pipeline.training.tensorboard import EventFile
from abaw_pipeline.training.trainer_state import Snapshot

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Places:
    """Where a training keeps what it makes.

    Attributes:
        model: folder of the model.
        checkpoint: what it goes on from, where it was killed.
        events: folder for TensorBoard.
    """

    model: Path
    checkpoint: Path
    events: Path


def fit_material(
    material: Material,
    seed: int,
    about: dict[str, Any],
    places: Places,
    device: Callable[[], torch.device] | None,
    journal: Journal,
) -> Card:
    """Read both sides, train, and keep the model.

    Args:
        about: the fields of ``Card`` that are known before the training.
        device: as in ``train.train``; asked for when the features are in memory.

    Raises:
        ValueError: a side without annotated frames, values not finite.
        CannotWrite: there is no room for the model; known before the first epoch.
    """
    settings, features = material.settings, material.sources.notes
    training, moments = _load(material, "train")
    held_out = _load(material, "validation")[0] if material.sides["validation"] else None
    standard = _standard(moments, settings.features, settings.normalise)
    place = device() if device else torch.device("cpu")
    checkpoint, events = Checkpoint(places.checkpoint, material.key), EventFile(places.events)

    def tell(history: Sequence[Epoch]) -> None:
        journal.did(history[-1].epoch, sum(training.clips.lengths))
        events.show(history)

    with room_for_model(places.model, settings, features):
        journal.begin(settings.epochs, named(place), family(settings))
        build = lambda: build_network(settings, features)  # noqa: E731  # built once the seed is set
        trained = fit(build, training, held_out, standard, settings, seed, place, checkpoint, tell)
    events.show(trained.history)  # killed between its last checkpoint and ``tell``, a training has none left to tell
    result = {"epochs": len(trained.history), **_scores(material, trained.snapshots, held_out, standard, place)}
    result |= {"device": named(place), "threads": torch.get_num_threads()}
    card = save_model(places.model, {**about, **result}, trained.snapshots, standard, trained.history)
    checkpoint.remove()
    journal.end()
    return card


def _load(material: Material, side: str) -> tuple[Labelled, Moments]:
    sources, settings = material.sources, material.settings
    return load_side(material.sides[side], sources.read, sources.widths, settings, training=side == "train")


def _standard(moments: Moments, names: Sequence[str], normalise: bool) -> Standard:
    mean, deviation = map(torch.from_numpy, moments.result(names))
    return Standard(mean, deviation) if normalise else Standard(torch.zeros_like(mean), torch.ones_like(deviation))


def _scores(
    material: Material,
    snapshots: Sequence[Snapshot],
    held_out: Labelled | None,
    standard: Standard,
    place: torch.device,
) -> dict[str, Any]:
    """``score`` and ``metrics`` of the card: of the weights that are kept, together, on what was held out."""
    if held_out is None:
        return {"score": None, "metrics": {}}
    settings, networks = material.settings, []
    for one in snapshots:
        network = build_network(settings, material.sources.notes)
        network.load_state_dict(one.weights)
        networks.append(Serving(network.to(place), one.columns))
    predicted = predict_serving(networks, held_out.clips.to(place), standard.to(place), settings)
    metrics = measured(predicted, held_out, settings)
    return {"score": sum(task["mean"] for task in metrics.values()), "metrics": metrics}
