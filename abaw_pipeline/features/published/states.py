"""Which weights are present, missing or random: those that are known, and those that settings ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel

from abaw_pipeline.features.base import ExtractorSettings
from abaw_pipeline.features.published.cache import cached, offer
from abaw_pipeline.features.published.entries import HubFile, HubModel
from abaw_pipeline.features.published.table import PUBLISHED, published_for
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.features.weights import (
    AnyWeights,
    FileWeights,
    FolderWeights,
    HubWeights,
    PublishedWeights,
    RandomWeights,
)

State = Literal["present", "missing", "random"]


@dataclass(frozen=True)
class Line:
    """One set of weights, in words."""

    name: str
    """Of the published weights; or of the feature of the settings, with the field where it is not ``weights``."""
    state: State
    serves: str
    licence: str
    commercial: str
    source: str


def known() -> list[Line]:
    """Every published set of weights."""
    return [
        Line(
            name,
            "present" if cached(entry.source) else "missing",
            ", ".join(entry.features),
            entry.licence.name,
            entry.licence.commercial,
            str(entry.source),
        )
        for name, entry in PUBLISHED.items()
    ]


def asked(features: Mapping[str, ExtractorSettings]) -> Iterator[Line]:
    """Every set of weights that features of the settings name, or should."""
    for feature, settings in features.items():
        for field, weights in _weights_in(settings):
            yield _line(feature if field == "weights" else f"{feature}.{field}", settings.extractor, weights)
        for field in _needed(settings):
            if getattr(settings, field) is None:
                offers = [offer(name, entry) for name, entry in published_for(settings.extractor, field).items()]
                name = feature if field == "weights" else f"{feature}.{field}"
                yield Line(name, "missing", settings.extractor, "", "", f"none named; known: {'; '.join(offers)}")


def _weights_in(model: BaseModel, at: str = "") -> Iterator[tuple[str, AnyWeights]]:
    for name, value in model:
        if isinstance(value, get_args(AnyWeights)):
            yield f"{at}{name}", value
        elif isinstance(value, BaseModel):
            yield from _weights_in(value, f"{at}{name}.")


def _needed(settings: ExtractorSettings) -> tuple[str, ...]:
    try:
        needed: tuple[str, ...] = EXTRACTORS[settings.extractor].spec(settings).weights
    except ValueError:  # a folder that is missing says no dimension; that it is missing is told by its own line
        return ()
    return needed


def _line(name: str, extractor: str, weights: AnyWeights) -> Line:
    if isinstance(weights, RandomWeights):
        return Line(name, "random", extractor, "", "", f"seeded random numbers (seed {weights.seed})")
    if isinstance(weights, FileWeights | FolderWeights):
        state: State = "present" if Path(weights.path).exists() else "missing"
        return Line(name, state, extractor, "", "", weights.path)
    if isinstance(weights, PublishedWeights):
        if weights.name not in PUBLISHED:
            return Line(name, "missing", extractor, "", "", f"no published weights '{weights.name}'")
        source, hint = PUBLISHED[weights.name].source, offer(weights.name, PUBLISHED[weights.name])
    elif isinstance(weights, HubWeights):
        source = HubFile(weights.repo, weights.file, weights.revision)
        hint = str(source)
    else:
        source = HubModel(weights.repo, weights.revision)
        hint = str(source)
    state = "present" if cached(source) else "missing"
    same = next((entry for entry in PUBLISHED.values() if entry.source == source), None)
    licence = same.licence if same else None
    return Line(name, state, extractor, licence.name if licence else "", licence.commercial if licence else "", hint)
