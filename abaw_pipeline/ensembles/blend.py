"""Fuse the predictions of several models, per clip and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from abaw_pipeline.ensembles.mean import mean
from abaw_pipeline.ensembles.members import Model, lacking, open_models
from abaw_pipeline.ensembles.scores import score_roles
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.keys import code_digest, digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.training.outputs import keep_only
from abaw_pipeline.training.settings import ExperimentSettings

# A clip may be held out of one model and only tested by another: it counts as what says most about the ensemble.
_ROLES = ("val", "apart", "test", "all")


def blend_code() -> str:
    """Digest of the code that fuses."""
    return code_digest("ensembles.mean")


def blend(name: str, settings: EnsembleSettings, members: Mapping[str, ExperimentSettings], layout: Layout) -> Manifest:
    """Fuse what the models of ``members`` predicted for one data set; clips whose key matches are kept.

    A clip that some model should have predicted and did not takes the mean over the others, and is reported in
    ``skipped``. ``about["scores"]`` has the scores of the labelled clips of each role (``training.infer.roles``);
    those of ``val`` are out of fold.

    Args:
        members: the ensemble's experiments, wildcards written out.

    Returns:
        The manifest, as written: per clip ``key``, ``content``, ``rows``, ``models`` (how many) and ``role``.

    Raises:
        ValueError: no member, predictions missing or stale, or models that disagree on the frames of a clip.
    """
    models = open_models(members, layout)
    if not models:
        raise ValueError(f"ensemble '{name}' has no member")
    store = ArrayStore(layout.ensemble(name), f"abaw ensemble {name} --dataset {layout.dataset}")
    manifest = Manifest(_about(name, settings, models), skipped=lacking(models))
    predictions: dict[str, np.ndarray] = {}
    for clip in progress(sorted({clip for model in models for clip in model.manifest.clips}), f"fuse {name}"):
        having = [model for model in models if clip in model.manifest.clips]
        predictions[clip], manifest.clips[clip] = _fuse(clip, having, settings, store, {"ensemble": name})
    keep_only(store, manifest.clips)
    roles = {clip: entry["role"] for clip, entry in manifest.clips.items()}
    manifest.about["scores"], misfits = score_roles(predictions, roles, settings, layout)
    manifest.skipped += misfits
    manifest.write(layout.ensemble_manifest(name))
    return manifest


def _fuse(
    clip: str, having: Sequence[Model], settings: EnsembleSettings, store: ArrayStore, about: Mapping[str, Any]
) -> tuple[np.ndarray, dict[str, Any]]:
    """One clip's fused predictions, and its entry in the manifest."""
    entries = [model.manifest.clips[clip] for model in having]
    key = digest([settings.method, settings.task, sorted(entry["content"] for entry in entries), blend_code()])
    if store.key(clip) != key:
        try:
            values = mean([model.read(clip, settings.task) for model in having])
        except ValueError as error:
            raise ValueError(f"{clip}: {error}; run 'abaw infer' again for its models") from None
        store.write_arrays(clip, {settings.task: values}, key, about)
    values = store.read_arrays(clip, key)[settings.task]
    return values, {
        "key": key,
        "content": (store.attributes(clip) or {})["content"],
        "rows": len(values),
        "models": len(having),
        "role": min((entry["role"] for entry in entries), key=_ROLES.index),
    }


def _about(name: str, settings: EnsembleSettings, models: Sequence[Model]) -> dict[str, Any]:
    return {
        "ensemble": name,
        "task": settings.task,
        "method": settings.method,
        "models": [model.name for model in models],
        "random_features": sorted({f for model in models for f in model.manifest.about["random_features"]}),
    }
