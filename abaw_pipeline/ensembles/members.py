"""The models of an ensemble and what each of them predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.splits.names import fold_names
from abaw_pipeline.types import Skipped


@dataclass(frozen=True)
class Model:
    """The predictions of one trained model."""

    name: str
    store: ArrayStore
    manifest: Manifest

    def read(self, clip: str, task: str) -> np.ndarray:
        """``(n, C)``; ``ValueError`` where the store holds something else than its manifest says."""
        return self.store.read_arrays(clip, self.manifest.clips[clip]["key"])[task]


def open_models(members: Mapping[str, ExperimentSettings], layout: Layout) -> list[Model]:
    """Every fold and seed of every member, in order.

    Raises:
        ValueError: a model that has predicted nothing for this data set; names the command.
    """
    return [
        _open(experiment, fold, seed, layout)
        for experiment, settings in members.items()
        for fold in fold_names(settings)
        for seed in settings.seeds
    ]


def _open(experiment: str, fold: str, seed: int, layout: Layout) -> Model:
    verb = f"abaw infer {experiment} --fold {fold} --seed {seed} --dataset {layout.dataset}"
    manifest = Manifest.read(layout.predictions_manifest(experiment, fold, seed), verb)
    return Model(f"{experiment}/{fold}-{seed}", ArrayStore(layout.predictions(experiment, fold, seed), verb), manifest)


def lacking(models: Sequence[Model]) -> list[Skipped]:
    """Clips that some model should have predicted and did not, each with what became of it.

    A model owes every clip that any model knows of, but those it was trained on.
    """
    reasons = [{row.clip: row.reason for row in model.manifest.skipped} for model in models]
    predicted = {clip for model in models for clip in model.manifest.clips}
    found = []
    for clip in sorted(predicted.union(*reasons)):
        without = [
            (model.name, why.get(clip, "it did not predict this clip; run 'abaw infer' again"))
            for model, why in zip(models, reasons, strict=True)
            if clip not in model.manifest.clips and clip not in model.manifest.about["trained_on"]
        ]
        if without:
            having = sum(clip in model.manifest.clips for model in models)
            taken = f"the mean over the other {having} was taken" if having else "no model predicted it"
            found.append(Skipped(clip, "ensemble", f"{taken}; without {_few(without)}"))
    return found


def _few(without: Sequence[tuple[str, str]]) -> str:
    more = f" and {len(without) - 1} more" if len(without) > 1 else ""
    return f"{without[0][0]}{more} ({without[0][1]})"
