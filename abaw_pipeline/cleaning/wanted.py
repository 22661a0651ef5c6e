"""What the settings in force refer to in one data set's folder."""

from __future__ import annotations

from dataclasses import dataclass, field

from abaw_pipeline.config import Config
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.state.listed import submissions, trainings
from abaw_pipeline.training.splits.names import fold_names

Run = tuple[str, str]
"""Experiment and ``<fold>-<seed>``."""


@dataclass(frozen=True)
class Wanted:
    """Names that are referred to; of a data set that the settings do not have, none.

    ``clips`` is ``None`` where it is not known which clips there are, so that every clip is kept.
    """

    dataset: bool = False
    frames: bool = False
    """Whole pictures among the media."""
    shards: int = 0
    features: frozenset[str] = frozenset()
    models: frozenset[Run] = frozenset()
    predictions: frozenset[Run] = frozenset()
    ensembles: frozenset[str] = frozenset()
    submissions: frozenset[tuple[str, str]] = field(default=frozenset())
    """Name and track."""
    clips: frozenset[str] | None = frozenset()
    transcripts: bool = False
    """Whether a recogniser is named that may make them."""


def wanted(config: Config, layout: Layout) -> Wanted:
    """What ``config`` refers to in the data set of ``layout``, and the clips of its index, bad ones included."""
    name = layout.dataset
    if name not in config.datasets:
        return Wanted()
    trained = {experiment for experiment, settings in config.experiments.items() if settings.dataset == name}
    fused = {ensemble for ensemble in config.ensembles if name in config.ensemble_datasets(ensemble)}
    predicting = {one.experiment for one in trainings(config) if name in one.predicts}
    return Wanted(
        dataset=True,
        frames=config.media.frames is not None,
        shards=config.shards,
        features=frozenset(config.features),
        models=_runs(config, trained),
        predictions=_runs(config, trained | predicting),
        ensembles=frozenset(fused),
        submissions=frozenset((one.name, one.track) for one in submissions(config) if one.dataset == name),
        clips=_clips(layout),
        transcripts=config.transcripts is not None,
    )


def _runs(config: Config, experiments: set[str]) -> frozenset[Run]:
    return frozenset(
        (name, f"{fold}-{seed}")
        for name in experiments
        for fold in fold_names(config.experiments[name])
        for seed in config.experiments[name].seeds
    )


def _clips(layout: Layout) -> frozenset[str] | None:
    if not layout.clips.is_file():
        return None
    index = Manifest.read(layout.clips, f"abaw index {layout.dataset}")
    return frozenset([*index.clips, *(row.clip for row in index.skipped)])
