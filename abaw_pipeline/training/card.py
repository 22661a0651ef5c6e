"""What a trained model says about itself: ``model.json``. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from abaw_pipeline.runtime.files import atomic, read_json, write_json
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.sources import FeatureNote
from abaw_pipeline.types import Skipped

CARD, WEIGHTS, HISTORY = "model.json", "weights.safetensors", "history.csv"
"""The files of a model's folder."""
CARD_IN_WEIGHTS = "model"
"""Under which the weights file carries a copy of the card."""


@dataclass(frozen=True)
class SnapshotNote:
    """Weights of one epoch.

    ``columns``: by task the predicted columns that they serve; ``None``: all of them.
    """

    epoch: int
    columns: dict[str, list[int]] | None


@dataclass(frozen=True)
class SceneNote:
    """By what the training clips of a model's fold were divided into scenes.

    Attributes:
        contents: digest of the feature's values over these clips.
        others: training clips of the fold that do not train this model; like those that do, it never predicts them.
    """

    feature: FeatureNote
    contents: str
    others: list[str]


@dataclass(frozen=True)
class Card:
    """What ``model.json`` says.

    Attributes:
        key: digest of everything the training was made from.
        recipe: digest of settings and code alone.
        code, modules: digest of the code, and of each of its modules.
        data: clip id to short digests of its features, in order, and of its labels on frames.
        content: sha256 over the weights and the normalisation statistics.
        score: what the epoch was chosen by: the sum over tasks of their means.
        train, validation: clip ids of the two sides, those left out included.
        snapshots: the epochs whose weights predict; several serving one column are averaged.
        metrics: validation scores of the chosen epoch by task: ``mean`` and one number per column; empty where the
            fold holds nothing out.
        skipped: clips left out, and why.
        versions: of this package, and of the libraries that compute the weights.
        device, threads: what it was trained on (``cpu``, or the name of the GPU), with how many CPU threads: sums in
            another order differ in the last digit.
        scene: ``None`` where it was trained on the whole training side.
    """

    key: str
    recipe: str
    code: str
    modules: dict[str, str]
    data: dict[str, list[str]]
    content: str
    experiment: str
    dataset: str
    tasks: list[str]
    fold: str
    seed: int
    settings: ExperimentSettings
    features: list[FeatureNote]
    train: list[str]
    validation: list[str]
    snapshots: list[SnapshotNote]
    epochs: int
    score: float | None
    metrics: dict[str, dict[str, float]]
    notes: list[str]
    skipped: list[Skipped]
    versions: dict[str, str]
    device: str
    threads: int
    scene: SceneNote | None = None

    @property
    def learned_from(self) -> list[str]:
        """Training clips of the fold, whichever scene they are of: those that none of its models may predict."""
        return [*self.train, *(self.scene.others if self.scene else ())]

    @property
    def epochs_used(self) -> str:
        """The epochs whose weights predict, in words: ``12``, ``16 to 25``, ``9 and 14``."""
        numbers = [note.epoch for note in self.snapshots]
        if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
            return f"{numbers[0]} to {numbers[-1]}"
        return " and ".join(map(str, numbers))

    @property
    def random_features(self) -> list[str]:
        """Features whose networks had random weights: such a model shows nothing but that the pipeline runs."""
        notes = [*self.features, *([self.scene.feature] if self.scene else [])]
        return list(dict.fromkeys(note.name for note in notes if note.random_weights))

    def as_json(self) -> dict[str, Any]:
        raw = {name: getattr(self, name) for name in self.__dataclass_fields__}
        raw["settings"] = self.settings.model_dump(mode="json")
        raw["features"] = [asdict(note) for note in self.features]
        raw["snapshots"] = [asdict(note) for note in self.snapshots]
        raw["skipped"] = [asdict(row) for row in self.skipped]
        raw["scene"] = asdict(self.scene) if self.scene else None
        return raw | {"random_features": self.random_features}


def read_card(folder: Path) -> Card:
    """What a model is, without its weights.

    Raises:
        ValueError: no model there, or one written by another version of this package.
    """
    raw = read_json(folder / CARD, "abaw train")
    try:
        return parse_card(raw)
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{folder / CARD}: written by another version; run 'abaw train' again") from None


def kept_card(folder: Path, key: str, features: Sequence[FeatureNote], scene: SceneNote | None = None) -> Card | None:
    """The model of this key where the folder holds it; writes ``model.json`` again where it was lost.

    Snakemake deletes a job's declared output, ``model.json``, before the job runs; the weights carry a copy of it, so
    that a job with nothing to do trains nothing. A model that this version cannot read is none.

    Args:
        features, scene: as they are now. Where features were made anew and came out the same, the model says so.
    """
    card = card_in_weights(folder)
    if card is None or card.key != key or not (folder / HISTORY).is_file():
        return None
    now = replace(card, features=list(features), scene=scene)
    if now != card:
        write_weights(folder / WEIGHTS, load_file(folder / WEIGHTS), now)
    write_json(folder / CARD, now.as_json())
    return now


def write_weights(path: Path, tensors: Mapping[str, np.ndarray], card: Card) -> None:
    """Write tensors with a copy of the card; nothing half-written is ever found."""
    with atomic(path) as temporary:
        save_file(dict(tensors), temporary, {CARD_IN_WEIGHTS: json.dumps(card.as_json(), allow_nan=False)})


def card_in_weights(folder: Path) -> Card | None:
    """The card that the weights carry; ``None`` where there are none, or none that this version can read."""
    if not (folder / WEIGHTS).is_file():
        return None
    try:
        with safe_open(folder / WEIGHTS, "numpy") as stored:
            return parse_card(json.loads((stored.metadata() or {}).get(CARD_IN_WEIGHTS, "{}")))
    except (SafetensorError, KeyError, TypeError, ValueError):
        return None


def parse_card(raw: Mapping[str, Any]) -> Card:
    values = {name: value for name, value in raw.items() if name != "random_features"}
    values["settings"] = ExperimentSettings.model_validate(raw["settings"])
    values["features"] = [FeatureNote(**note) for note in raw["features"]]
    values["snapshots"] = [SnapshotNote(**note) for note in raw["snapshots"]]
    values["skipped"] = [Skipped(**row) for row in raw["skipped"]]
    if scene := raw.get("scene"):
        values["scene"] = SceneNote(**{**scene, "feature": FeatureNote(**scene["feature"])})
    return Card(**values)
