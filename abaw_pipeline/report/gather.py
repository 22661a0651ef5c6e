"""What the report tells, as plain data: read from manifests, models and stores, nothing computed twice."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from abaw_pipeline.datasets.registry import DatasetSettings
from abaw_pipeline.datasets.samples import known_clip
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.report.joined import NOT_SENT, joined_row, submission_row
from abaw_pipeline.report.skipped import media_entries, media_notes, skipped_clips
from abaw_pipeline.report.truth import Read, read_truth, score
from abaw_pipeline.runtime.files import read_json
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.submission.asked import Asked
from abaw_pipeline.submission.provenance import versions
from abaw_pipeline.tracks import TRACKS
from abaw_pipeline.training.card import CARD, HISTORY, read_card
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.splits.names import fold_names

Row = dict[str, Any]


def gather(
    results: Path,
    datasets: Mapping[str, DatasetSettings],
    experiments: Mapping[str, ExperimentSettings],
    ensembles: Mapping[str, EnsembleSettings],
    joined: Sequence[Asked] = (),
) -> Row:
    """Everything on the page but the plots, JSON-like. What is not made yet is left out.

    Raises:
        ValueError: a file that is damaged, or hidden truth that cannot be read.
    """
    layouts = {name: Layout(results, name) for name in datasets if Layout(results, name).clips.is_file()}
    models = [row for name, settings in experiments.items() for row in model_rows(results, name, settings)]
    features = _features(layouts, experiments)
    fused = [
        _ensemble(layout, datasets[dataset], name, settings)
        for dataset, layout in layouts.items()
        for name, settings in ensembles.items()
        if layout.ensemble_manifest(name).is_file()
    ]
    return {
        "datasets": [_dataset(layout) for layout in layouts.values()],
        "made_up": [name for name in layouts if getattr(datasets[name], "generate", None)],
        "features": features,
        "random_features": sorted({row["feature"] for row in features if row["random_weights"]}),
        "models": models,
        "experiments": [_summary(name, settings, models) for name, settings in experiments.items()],
        "ensembles": fused,
        "joined": [row for asked in joined if (row := joined_row(results, asked, fused))],
        "skipped": skipped_clips(layouts, experiments, ensembles),
        "notes": media_notes(layouts),
        "versions": versions(),
    }


def runs(results: Path, name: str, settings: ExperimentSettings) -> Iterator[tuple[str, int, Path]]:
    """Fold, seed and folder of every trained model of an experiment."""
    layout = Layout(results, str(settings.dataset))
    for fold in fold_names(settings):
        for seed in settings.seeds:
            folder = layout.model(name, fold, seed)
            if (folder / CARD).is_file():
                yield fold, seed, folder


def model_rows(results: Path, name: str, settings: ExperimentSettings) -> list[Row]:
    """One row per trained model: validation scores by task (none without held-out clips), key, random features."""
    shown = ("key", "epochs_used", "epochs", "metrics", "random_features", "versions", "notes")
    rows = []
    for fold, seed, folder in runs(results, name, settings):
        card = read_card(folder)
        rows.append(
            {"experiment": name, "fold": fold, "seed": seed, **{field: getattr(card, field) for field in shown}}
        )
    return rows


def history(folder: Path) -> dict[str, np.ndarray]:
    """Columns of a model's ``history.csv`` (``training.history.Epoch.flat``), one value per epoch."""
    with (folder / HISTORY).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {name: np.array([float(row[name]) for row in rows]) for name in (rows[0] if rows else {})}


def predictions(layout: Layout, ensemble: str, task: str, manifest: Manifest) -> Read:
    """Reads an ensemble's prediction of a clip; ``None`` where it has none."""
    store = ArrayStore(layout.ensemble(ensemble), f"abaw ensemble {ensemble} --dataset {layout.dataset}")

    def read(clip: str) -> np.ndarray | None:
        known = known_clip(clip, manifest.clips)
        return None if known is None else store.read_arrays(known, manifest.clips[known]["key"])[task]

    return read


def _dataset(layout: Layout) -> Row:
    """Clips, splits and what the media stage found in them."""
    clips = Manifest.read(layout.clips, "abaw index").clips
    splits: dict[str, int] = {}
    for entry in clips.values():
        for task, split in entry["splits"].items():
            splits[f"{task} {split}"] = splits.get(f"{task} {split}", 0) + 1
    seen = [entry for clip, entry in media_entries(layout).items() if clip in clips]
    frames = sum(entry["frames"] for entry in seen)
    return {
        "dataset": layout.dataset,
        "clips": len(clips),
        "splits": dict(sorted(splits.items())),
        "frames": frames,
        "face_share": sum(entry["faces"] for entry in seen) / frames if frames else None,
        "silent": sum(entry["sound_s"] == 0 for entry in seen),
        "key": Manifest.read(layout.clips, "abaw index").about.get("key", ""),
    }


def _features(layouts: Mapping[str, Layout], experiments: Mapping[str, ExperimentSettings]) -> list[Row]:
    """Features that the experiments read, per data set."""
    used = sorted({feature for settings in experiments.values() for feature in settings.every_feature})
    rows = []
    for dataset, layout in layouts.items():
        for name in used:
            path = layout.feature_manifest(name)
            if path.is_file():
                about = read_json(path, "abaw join")["about"]
                shown = ("key", "extractor", "random_weights", "spec")
                rows.append({"dataset": dataset, "feature": name, **{field: about[field] for field in shown}})
    return rows


def _summary(name: str, settings: ExperimentSettings, models: list[Row]) -> Row:
    """An experiment: what it is, and the scores of each task averaged over the folds and seeds that have any."""
    mine = [row["metrics"] for row in models if row["experiment"] == name]
    scores = {
        task.name: found
        for task in settings.predicted
        if (found := [metrics[task.name] for metrics in mine if metrics])
    }
    return {
        "experiment": name,
        "dataset": settings.dataset,
        "tasks": [task.name for task in settings.predicted],
        "features": list(settings.features),
        "encoder": settings.encoder.name,
        "models": len(mine),
        "of": len(fold_names(settings)) * len(settings.seeds),
        "metrics": {
            task: {key: float(np.mean([one[key] for one in found])) for key in found[0]}
            for task, found in scores.items()
        },
        "deviation": {task: float(np.std([one["mean"] for one in found])) for task, found in scores.items()},
    }


def _ensemble(layout: Layout, dataset: DatasetSettings, name: str, settings: EnsembleSettings) -> Row:
    """An ensemble on one data set: scores by role, on the hidden truth, and its submission."""
    manifest = Manifest.read(layout.ensemble_manifest(name), f"abaw ensemble {name} --dataset {layout.dataset}")
    truth = read_truth(layout.dataset, dataset, settings.task)
    sent = submission_row(layout, name, settings.task) if settings.task in TRACKS else NOT_SENT
    return {
        "ensemble": name,
        "dataset": layout.dataset,
        "task": settings.task,
        "compound": manifest.about.get("compound"),
        "models": manifest.about["models"],
        "random_features": manifest.about["random_features"],
        "clips": len(manifest.clips),
        "scores": manifest.about["scores"],
        "truth": score(truth, predictions(layout, name, settings.task, manifest), settings.task) if truth else None,
        **sent,
    }
