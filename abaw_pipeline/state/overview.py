"""``abaw features``: every feature, what it is, and how far it is on each data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from abaw_pipeline.config import Config
from abaw_pipeline.features.base import ExtractorSettings, Spec
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.features.weights import FileWeights, HubWeights, RandomWeights
from abaw_pipeline.state.sources import DataNow

PRESENT, ABSENT, RANDOM, NONE = "present", "missing", "random", "none needed"


@dataclass(frozen=True)
class Known:
    """What a feature is, by its settings alone."""

    name: str
    extractor: str
    modality: str
    """``?`` where it, and the dimension, hang on settings that have no default."""
    dimension: int | None
    weights: str
    """One of the four words above; of several networks, the worst."""


@dataclass(frozen=True)
class Progress:
    """How many clips of a data set have a feature's table by the settings in force, and what the store takes."""

    done: int
    stale: int
    missing: int
    left_out: int
    """Clips that cannot have one, each with its reason in a manifest."""
    size: int
    """Bytes on disk."""


def of_settings(config: Config) -> list[Known]:
    """The features of the settings, in their order."""
    return [_known(name, settings) for name, settings in config.features.items()]


def of_the_tool(config: Config) -> list[Known]:
    """Extractors that no feature of the settings uses, with their default settings."""
    used = {settings.extractor for settings in config.features.values()}
    return [_by_default(name) for name in sorted(EXTRACTORS) if name not in used]


def progress(data: DataNow, feature: str) -> Progress:
    """The state of one feature on one data set; ``ValueError`` where the data set is not there."""
    state, joined = data.feature(feature), data.feature_manifest(feature)
    clips = {clip.id for clip in data.found.clips}
    skipped = data.media_skipped | {row.clip for row in (joined.skipped if joined else ())}
    todo, left_out = state.affected & clips, (skipped - state.affected) & clips
    store = FeatureStore(data.layout.feature_store(feature))
    stale = {clip for clip in todo if store.key(clip) is not None}
    return Progress(
        done=len(clips - todo - left_out),
        stale=len(stale),
        missing=len(todo - stale),
        left_out=len(left_out),
        size=_bytes(data.layout.feature_store(feature)),
    )


def _by_default(extractor: str) -> Known:
    try:
        return _known(extractor, EXTRACTORS[extractor].Settings(extractor=extractor))
    except ValueError:  # some of its settings have no default
        return Known(extractor, extractor, "?", None, "?")


def _known(name: str, settings: ExtractorSettings) -> Known:
    spec: Spec = EXTRACTORS[settings.extractor].spec(settings)
    return Known(name, settings.extractor, spec.modality, spec.dimension, _weights(settings, spec))


def _weights(settings: ExtractorSettings, spec: Spec) -> str:
    states = {_state(getattr(settings, field)) for field in spec.weights}
    return next((word for word in (ABSENT, RANDOM, PRESENT) if word in states), NONE)


def _state(weights: FileWeights | HubWeights | RandomWeights | None) -> str:
    if isinstance(weights, RandomWeights):
        return RANDOM
    if isinstance(weights, FileWeights):
        return PRESENT if Path(weights.path).is_file() else ABSENT
    return PRESENT if weights is not None and _fetched(weights) else ABSENT


def _fetched(weights: HubWeights) -> bool:
    """Whether the hub's file lies in the local cache; asks no hub."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(weights.repo, weights.file, revision=weights.revision), str)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
