"""Grids of experiments, and their expansion. Imports no torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from abaw_pipeline.models.encoders.settings import EncoderSettings
from abaw_pipeline.training.settings import ExperimentSettings, TrainingSettings


class GridSettings(TrainingSettings):
    """Feature combinations x encoders, each combination an experiment ``<grid>_<features>_<encoder>``."""

    features: dict[str, Annotated[list[str], Field(min_length=1)]] = Field(min_length=1)
    encoders: dict[str, EncoderSettings] = Field(min_length=1)


def expand(name: str, grid: GridSettings) -> dict[str, ExperimentSettings]:
    """The experiments of a grid, by name.

    Raises:
        ValueError: two combinations come to the same name, or a combination lists a feature twice.
    """
    shared = {field: getattr(grid, field) for field in grid.model_fields_set & set(TrainingSettings.model_fields)}
    found: dict[str, ExperimentSettings] = {}
    for features_name, features in grid.features.items():
        for encoder_name, encoder in grid.encoders.items():
            full = f"{name}_{features_name}_{encoder_name}"
            if full in found:
                raise ValueError(f"grids.{name}: two combinations are named '{full}'; rename one of them")
            found[full] = ExperimentSettings(features=features, encoder=encoder, **shared)
    return found
