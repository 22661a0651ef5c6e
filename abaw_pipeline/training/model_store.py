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
from abaw_pipeline.training.card import CARD, HISTORY, WEIGHTS, Card, SnapshotNote, read_card, write_weights
from abaw_pipeline.training.history import Epoch
from abaw_pipeline.training.predict import Serving, predict_serving
from abaw_pipeline.training.resident import Standard, pack
from abaw_pipeline.training.samples import gap_of, join_features, kept_frames, nearest, sequences
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.sources import FeatureNote
from abaw_pipeline.training.targets import build_network
from abaw_pipeline.training.trainer_state import Snapshot
from abaw_pipeline.types import FrameTable

_BESIDE_WEIGHTS = 1 << 20
"""Bytes kept for history, card and statistics: more than they take."""
_STANDARD = "standard."


def save_model(
    folder: Path, card: dict[str, Any], snapshots: Sequence[Snapshot], standard: Standard, history: Sequence[Epoch]
) -> Card:
    """Write the folder in one rename.

    Args:
        card: the fields of ``Card`` but ``content`` and ``snapshots``.
    """
    tensors = {
        f"{_epoch(one.epoch)}{name}": tensor.cpu().contiguous().numpy()
        for one in snapshots
        for name, tensor in one.weights.items()
    }
    tensors |= {_STANDARD + name: getattr(standard, name).cpu().numpy() for name in ("mean", "deviation")}
    notes = [SnapshotNote(one.epoch, one.columns) for one in snapshots]
    served = [[note.epoch, note.columns] for note in notes]
    content = digest([served, {name: array_digest(array) for name, array in tensors.items()}])
    full = Card(content=content, snapshots=notes, **card)
    with atomic(folder) as temporary:
        temporary.mkdir()
        write_weights(temporary / WEIGHTS, tensors, full)
        _write_history(temporary / HISTORY, history)
        write_json(temporary / CARD, full.as_json())
    return full


def _epoch(number: int) -> str:
    """What the weights of one epoch begin with."""
    return f"epoch{number}."


def _write_history(path: Path, history: Sequence[Epoch]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.DictWriter(stream, list(history[0].flat()))
        rows.writeheader()
        rows.writerows(epoch.flat() for epoch in history)


def room_for_model(
    folder: Path, settings: ExperimentSettings, features: Sequence[FeatureNote]
) -> AbstractContextManager[None]:
    """Keep as much room as the model folder will need; ``CannotWrite`` at once where there is none."""
    with torch.device("meta"):  # sizes alone: nothing is drawn or allocated
        tensors = build_network(settings, features).state_dict().values()
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    return room_for(folder, size * _most_snapshots(settings) + _BESIDE_WEIGHTS)


def _most_snapshots(settings: ExperimentSettings) -> int:
    if settings.select.name == "range":
        return settings.select.last - settings.select.first + 1
    columns = [1 if task.kind in ("class", "labels") else len(task.columns) for task in settings.predicted]
    return sum(columns) if settings.select.name == "best_per_column" else 1


@dataclass(frozen=True)
class TrainedModel:
    """A model ready to predict."""

    card: Card
    networks: list[Serving]
    standard: Standard

    def predict(
        self, features: Mapping[str, FrameTable], clip: str = "clip", stills: bool = False
    ) -> dict[str, np.ndarray]:
        """Predictions of one clip by task, a row per frame, or one row where the task has one label per clip.

        Args:
            features: tables ``(n, D_f)`` by feature name; at least those of ``card.features``.
            clip: name for messages.
            stills: each row is a picture for itself, and not one of a sequence.

        Returns:
            ``(n, C)`` float32 each, finite: values in [-1, 1], intensities in [0, 1], numbers without bounds,
            probabilities of classes (rows sum to 1) and of labels.

        Raises:
            ValueError: a feature is missing, has another dimension, or another length than the others.
        """
        tables = [self._table(features, note, clip) for note in self.card.features]
        settings = self.card.settings
        gap = gap_of(settings.gap, stills)
        values, known = join_features(tables, gap, clip)
        kept = kept_frames(known, gap)
        rows = sequences(values[kept], known[kept], stills)
        clips = pack(rows, len(values), [note.dimension for note in self.card.features])
        made = predict_serving(self.networks, clips, self.standard, settings)
        places = (np.cumsum(kept) - 1)[nearest(kept)]
        return {name: one[places] if TASKS[name].level == "frame" else one for name, one in made.items()}

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
    place = torch.device(device)
    standard = Standard(tensors[_STANDARD + "mean"], tensors[_STANDARD + "deviation"]).to(place)
    networks = [
        Serving(_network(card, note, tensors, folder).to(place).eval(), note.columns) for note in card.snapshots
    ]
    return TrainedModel(card, networks, standard)


def _network(card: Card, note: SnapshotNote, tensors: Mapping[str, torch.Tensor], folder: Path) -> TemporalModel:
    network, start = build_network(card.settings, card.features), _epoch(note.epoch)
    try:
        network.load_state_dict({k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)})
    except RuntimeError:
        raise ValueError(f"{folder / WEIGHTS}: does not fit {CARD} beside it; run 'abaw train' again") from None
    return network
