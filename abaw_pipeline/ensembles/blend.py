"""Fuse the predictions of several models, per clip and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from abaw_pipeline.ensembles.compound import compound
from abaw_pipeline.ensembles.mean import mean
from abaw_pipeline.ensembles.members import Model, lacking, open_models
from abaw_pipeline.ensembles.scores import score_roles
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.code import code_digest
from abaw_pipeline.runtime.journal import NO_JOURNAL, Journal
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.training.outputs import keep_only
from abaw_pipeline.training.settings import ExperimentSettings

# A clip may be held out of one model and only tested by another: it counts as what says most about the ensemble.
_ROLES = ("val", "apart", "test", "all")


def blend_code(settings: EnsembleSettings) -> str:
    """Digest of the code that fuses."""
    return code_digest("ensembles.mean", *(["ensembles.compound"] if settings.compound else []))


def blend(
    name: str,
    settings: EnsembleSettings,
    members: Mapping[str, ExperimentSettings],
    layout: Layout,
    journal: Journal = NO_JOURNAL,
) -> Manifest:
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
    clips = sorted({clip for model in models for clip in model.manifest.clips})
    having = {clip: [model for model in models if clip in model.manifest.clips] for clip in clips}
    keys = {clip: blend_key(settings, [m.manifest.clips[clip]["content"] for m in having[clip]]) for clip in clips}
    todo = [clip for clip in clips if store.key(clip) != keys[clip]]
    _fuse(todo, having, keys, settings, store, journal)
    predictions = {clip: store.read_arrays(clip, keys[clip])[settings.task] for clip in clips}
    manifest.clips = {clip: _entry(clip, having[clip], keys[clip], predictions[clip], store) for clip in clips}
    keep_only(store, manifest.clips)
    roles = {clip: entry["role"] for clip, entry in manifest.clips.items()}
    manifest.about["scores"], misfits = score_roles(predictions, roles, settings, layout)
    manifest.skipped += misfits
    manifest.write(layout.ensemble_manifest(name))
    return manifest


def blend_key(settings: EnsembleSettings, contents: Sequence[str]) -> str:
    """Key of one clip's fused predictions; ``contents`` are digests of what the models predicted, in any order."""
    rule = [settings.compound] if settings.compound else []
    return digest([settings.method, settings.task, sorted(contents), blend_code(settings), *rule])


def _fuse(
    todo: Sequence[str],
    having: Mapping[str, Sequence[Model]],
    keys: Mapping[str, str],
    settings: EnsembleSettings,
    store: ArrayStore,
    journal: Journal,
) -> None:
    if not todo:
        return
    journal.begin(len(todo))
    for clip in progress(todo, "fuse"):
        try:
            values = mean([model.read(clip, settings.read) for model in having[clip]])
        except ValueError as error:
            raise ValueError(f"{clip}: {error}; run 'abaw infer' again for its models") from None
        values = compound(values, settings.compound) if settings.compound else values
        store.write_arrays(clip, {settings.task: values}, keys[clip], {})
        journal.did(clip, len(values))
    journal.end()


def _entry(clip: str, having: Sequence[Model], key: str, values: np.ndarray, store: ArrayStore) -> dict[str, Any]:
    """What the manifest says of a clip."""
    return {
        "key": key,
        "content": (store.attributes(clip) or {})["content"],
        "rows": len(values),
        "models": len(having),
        "role": min((model.manifest.clips[clip]["role"] for model in having), key=_ROLES.index),
    }


def _about(name: str, settings: EnsembleSettings, models: Sequence[Model]) -> dict[str, Any]:
    return {
        "ensemble": name,
        "task": settings.task,
        "method": settings.method,
        **({"compound": settings.compound} if settings.compound else {}),
        "models": [model.name for model in models],
        "random_features": sorted({f for model in models for f in model.manifest.about["random_features"]}),
    }
