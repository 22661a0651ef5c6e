"""Which clips were left out, by which stage, and why, and what was tolerated; from the manifests in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.runtime.files import read_json
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.splits.names import fold_names


def skipped_clips(
    layouts: Mapping[str, Layout],
    experiments: Mapping[str, ExperimentSettings],
    ensembles: Mapping[str, EnsembleSettings],
) -> list[dict[str, Any]]:
    """Every clip that any stage left out, each reason once, in the order of the stages."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for dataset, layout in layouts.items():
        for path in _manifests(layout, experiments, ensembles):
            rows = read_json(path, "snakemake")["skipped"]
            for row in sorted(rows, key=lambda row: row["clip"]):
                found.setdefault((dataset, *row.values()), {"dataset": dataset, **row})
    return list(found.values())


def media_notes(layouts: Mapping[str, Layout]) -> list[dict[str, str]]:
    """What the media stage tolerated in clips that it kept (``dataset``, ``clip``, ``note``), sorted by clip."""
    return [
        {"dataset": dataset, "clip": clip, "note": note}
        for dataset, layout in layouts.items()
        for clip, entry in sorted(media_entries(layout).items())
        for note in entry["notes"]
    ]


def media_entries(layout: Layout) -> dict[str, dict[str, Any]]:
    """What the media manifests of all shards say of each clip."""
    entries: dict[str, dict[str, Any]] = {}
    for path in layout.media_shards():
        entries.update(read_json(path, "abaw media")["clips"])
    return entries


def _manifests(
    layout: Layout, experiments: Mapping[str, ExperimentSettings], ensembles: Mapping[str, EnsembleSettings]
) -> Iterator[Path]:
    """Every manifest of a data set, of the settings in force, that is there."""
    features = sorted({feature for settings in experiments.values() for feature in settings.every_feature})
    models = [(name, fold, seed) for name, s in experiments.items() for fold in fold_names(s) for seed in s.seeds]
    paths = [
        layout.clips,
        *layout.media_shards(),
        *(layout.feature_manifest(name) for name in features),
        *(layout.model(*model) / "model.json" for model in models),
        *(layout.predictions_manifest(*model) for model in models),
        *(layout.ensemble_manifest(name) for name in ensembles),
    ]
    return (path for path in paths if path.is_file())
