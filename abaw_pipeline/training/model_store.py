"""A trained model as one folder: weights with normalisation statistics, what it is, and its history."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from abaw_pipeline.models.temporal import TemporalModel
from abaw_pipeline.runtime.files import atomic, write_json
from abaw_pipeline.runtime.keys import array_digest, digest
from abaw_pipeline.runtime.storage import room_for
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.card import CARD, HISTORY, WEIGHTS, Card, read_card, write_weights
from abaw_pipeline.training.loop import Epoch
from abaw_pipeline.training.predict import predict_frames
from abaw_pipeline.training.resident import Standard, pack
from abaw_pipeline.training.samples import join_features
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.sources import FeatureNote
from abaw_pipeline.types import FrameTable

_BESIDE_WEIGHTS = 1 << 20
"""Bytes kept for history, card and statistics: more than they take."""
_STANDARD = "standard."


def save_model(
    folder: Path, card: dict[str, Any], network: TemporalModel, standard: Standard, history: Sequence[Epoch]
) -> Card:
    """Write the folder in one rename.

    Args:
        card: the fields of ``Card`` but ``content``.
    """
    tensors = {name: tensor.cpu().contiguous().numpy() for name, tensor in network.state_dict().items()}
    tensors |= {_STANDARD + name: getattr(standard, name).cpu().numpy() for name in ("mean", "deviation")}
    content = digest({name: array_digest(array) for name, array in tensors.items()})
    full = Card(content=content, **card)
    with atomic(folder) as temporary:
        temporary.mkdir()
        write_weights(temporary / WEIGHTS, tensors, full)
        _write_history(temporary / HISTORY, history, TASKS[card["task"]].columns)
        write_json(temporary / CARD, full.as_json())
    return full


def _write_history(path: Path, history: Sequence[Epoch], columns: Sequence[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["epoch", "loss", *(f"ccc_{column}" for column in columns), "mean", "lr"])
        rows.writerows([e.epoch, e.loss, *e.columns, e.mean, e.lr] for e in history)


def build_network(settings: ExperimentSettings, dimension: int) -> TemporalModel:
    """The untrained network of an experiment for inputs of ``dimension``."""
    task = TASKS[settings.task]
    return TemporalModel(dimension, len(task.columns), task.kind == "values", settings.encoder, settings.head)


def room_for_model(folder: Path, settings: ExperimentSettings, dimension: int) -> AbstractContextManager[None]:
    """Keep as much room as the model folder will need; ``CannotWrite`` at once where there is none."""
    with torch.device("meta"):  # sizes alone: nothing is drawn or allocated
        tensors = build_network(settings, dimension).state_dict().values()
    return room_for(folder, sum(tensor.numel() * tensor.element_size() for tensor in tensors) + _BESIDE_WEIGHTS)


@dataclass(frozen=True)
class TrainedModel:
    """A model ready to predict."""

    card: Card
    network: TemporalModel
    standard: Standard

    def predict(self, features: Mapping[str, FrameTable], clip: str = "clip") -> np.ndarray:
        """Predictions for every frame of one clip.

        Args:
            features: tables ``(n, D_f)`` by feature name; at least those of ``card.features``.
            clip: name for messages.

        Returns:
            ``(n, C)`` float32, finite; valence and arousal in [-1, 1].

        Raises:
            ValueError: a feature is missing, has another dimension, or another length than the others.
        """
        tables = [self._table(features, note, clip) for note in self.card.features]
        settings = self.card.settings
        joined = join_features(tables, settings.gap, clip)
        clips = pack([joined], len(joined[0]), [note.dimension for note in self.card.features])
        values = predict_frames(self.network, clips, self.standard, settings.segment, settings.hop, settings.batch)
        return np.clip(values, -1, 1) if TASKS[self.card.task].kind == "values" else values

    def _table(self, features: Mapping[str, FrameTable], note: FeatureNote, clip: str) -> FrameTable:
        if note.name not in features:
            raise ValueError(f"{clip}: the model needs the feature '{note.name}'")
        table = features[note.name]
        if table.values.shape != (len(table.valid), note.dimension):
            raise ValueError(
                f"{clip}: feature '{note.name}' has shape {table.values.shape}, the model was trained on "
                f"{note.dimension} numbers a frame"
            )
        return table


def load_model(folder: Path, device: torch.device | str = "cpu") -> TrainedModel:
    """Load a model folder.

    Raises:
        ValueError: no model there, or weights that do not fit its description.
    """
    card = read_card(folder)
    try:
        tensors = load_file(folder / WEIGHTS)
    except (SafetensorError, FileNotFoundError):
        raise ValueError(f"{folder / WEIGHTS}: missing or damaged; run 'abaw train' again") from None
    standard = Standard(tensors.pop(_STANDARD + "mean"), tensors.pop(_STANDARD + "deviation"))
    network = build_network(card.settings, sum(note.dimension for note in card.features))
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        raise ValueError(f"{folder / WEIGHTS}: does not fit {CARD} beside it; run 'abaw train' again") from None
    place = torch.device(device)
    return TrainedModel(card, network.to(place).eval(), standard.to(place))
