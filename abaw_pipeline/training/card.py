"""What a trained model says about itself: ``model.json``. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from abaw_pipeline.runtime.files import read_json
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.sources import FeatureNote
from abaw_pipeline.types import Skipped

CARD = "model.json"


@dataclass(frozen=True)
class Card:
    """What ``model.json`` says.

    Attributes:
        key: digest of everything the training was made from.
        recipe: digest of settings and code alone.
        content: sha256 over the weights and the normalisation statistics.
        train, validation: clip ids of the two sides, those left out included.
        metrics: validation score of the chosen epoch: ``mean`` and one number per column.
        skipped: clips left out, and why.
    """

    key: str
    recipe: str
    content: str
    experiment: str
    dataset: str
    task: str
    fold: str
    seed: int
    settings: ExperimentSettings
    features: list[FeatureNote]
    train: list[str]
    validation: list[str]
    best_epoch: int
    epochs: int
    metrics: dict[str, float]
    notes: list[str]
    skipped: list[Skipped]
    versions: dict[str, str]

    @property
    def random_features(self) -> list[str]:
        """Features whose networks had random weights: such a model shows nothing but that the pipeline runs."""
        return [note.name for note in self.features if note.random_weights]

    def as_json(self) -> dict[str, Any]:
        raw = {name: getattr(self, name) for name in self.__dataclass_fields__}
        raw["settings"] = self.settings.model_dump(mode="json")
        raw["features"] = [asdict(note) for note in self.features]
        raw["skipped"] = [asdict(row) for row in self.skipped]
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


def parse_card(raw: Mapping[str, Any]) -> Card:
    values = {name: value for name, value in raw.items() if name != "random_features"}
    values["settings"] = ExperimentSettings.model_validate(raw["settings"])
    values["features"] = [FeatureNote(**note) for note in raw["features"]]
    values["skipped"] = [Skipped(**row) for row in raw["skipped"]]
    return Card(**values)
