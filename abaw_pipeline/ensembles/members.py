"""The members of an ensemble, their models, and what each of them predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from abaw_pipeline.ensembles.runs import model_runs
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.files.stack import HELD, TRAINED
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.types import Skipped

Members = Mapping[str, ExperimentSettings | EnsembleSettings]
"""Experiments, and other ensembles, by name."""


@dataclass(frozen=True)
class Model:
    """The predictions of one trained model, or of another ensemble."""

    name: str
    store: ArrayStore
    manifest: Manifest

    def role(self, clip: str) -> str | None:
        """What the clip is to the model; ``None`` where it may not speak for it: not predicted, or trained on."""
        role: str | None = self.manifest.clips.get(clip, {}).get("role")
        return None if role == TRAINED else role

    @property
    def trained_on(self) -> Sequence[str]:
        return self.manifest.about.get("trained_on", ())

    def read(self, clip: str, task: str) -> np.ndarray:
        """``(n, C)``; ``ValueError`` where the store holds something else than its manifest says."""
        return self.store.read_arrays(clip, self.manifest.clips[clip]["key"])[task]


@dataclass(frozen=True)
class Member:
    """An experiment with its models, or another ensemble."""

    name: str
    models: tuple[Model, ...]

    def having(self, clip: str, held: bool = False) -> list[Model]:
        """Its models that predicted a clip; with ``held`` those alone that had it held out of their training."""
        return [m for m in self.models if m.role(clip) == HELD or (not held and m.role(clip) is not None)]

    def contents(self, clip: str, held: bool = False) -> list[str]:
        """Digests of what they predicted, sorted."""
        return sorted(model.manifest.clips[clip]["content"] for model in self.having(clip, held))


def gathered(
    members: Sequence[Member], clip: str, settings: EnsembleSettings, held: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """What is fused of a clip, ``(U, n, C)`` float64: the predictions of every model, or, where members are weighed,
    the mean over each member's models. And whose they are: places among the members, int64 ``(U,)``.

    Raises:
        ValueError: models that disagree on the number of frames.
    """
    found, owners = [], []
    for place, member in enumerate(members):
        own = [model.read(clip, settings.read) for model in member.having(clip, held)]
        if own and settings.weighs:
            own = [stacked(own).mean(axis=0)]
        found += own
        owners += [place] * len(own)
    return stacked(found), np.array(owners)


def stacked(predictions: Sequence[np.ndarray]) -> np.ndarray:
    """``(M, n, C)`` float64 of ``(n, C)`` each.

    Raises:
        ValueError: predictions of different shapes.
    """
    shapes = {values.shape for values in predictions}
    if len(shapes) != 1:
        raise ValueError(f"the models' predictions have different shapes: {sorted(shapes)}")
    return np.stack(predictions).astype(np.float64)


def open_members(members: Members, layout: Layout, ensemble: EnsembleSettings) -> list[Member]:
    """Every member with its models (of the folds and seeds that the ensemble takes), in order.

    Raises:
        ValueError: a model that has predicted nothing for this data set; names the command. A member of which no
            model is taken.
    """
    found = []
    for name, settings in members.items():
        models = tuple(_models(name, settings, layout, ensemble))
        if not models:
            raise ValueError(f"member '{name}' has no model of these folds and seeds")
        found.append(Member(name, models))
    return found


def _models(
    name: str, settings: ExperimentSettings | EnsembleSettings, layout: Layout, ensemble: EnsembleSettings
) -> list[Model]:
    if isinstance(settings, ExperimentSettings):
        return [_open(name, fold, seed, layout) for fold, seed in model_runs(settings, ensemble)]
    verb = f"abaw ensemble {name} --dataset {layout.dataset}"
    manifest = Manifest.read(layout.ensemble_manifest(name), verb)
    return [Model(name, ArrayStore(layout.ensemble(name), verb), manifest)]


def _open(experiment: str, fold: str, seed: int, layout: Layout) -> Model:
    verb = f"abaw infer {experiment} --fold {fold} --seed {seed} --dataset {layout.dataset}"
    manifest = Manifest.read(layout.predictions_manifest(experiment, fold, seed), verb)
    return Model(f"{experiment}/{fold}-{seed}", ArrayStore(layout.predictions(experiment, fold, seed), verb), manifest)


def model_names(members: Sequence[Member]) -> list[str]:
    """Every trained model behind the members, once."""
    names = [name for member in members for model in member.models for name in _behind(model)]
    return list(dict.fromkeys(names))


def _behind(model: Model) -> list[str]:
    return list(model.manifest.about.get("models", [model.name]))


def lacking(models: Sequence[Model]) -> list[Skipped]:
    """Clips that some model should have predicted and did not, each with what became of it.

    A model owes every clip that any model knows of, but those it was trained on.
    """
    reasons = [{row.clip: row.reason for row in model.manifest.skipped} for model in models]
    predicted = {clip for model in models for clip in model.manifest.clips if model.role(clip)}
    found = []
    for clip in sorted(predicted.union(*reasons)):
        without = [
            (model.name, why.get(clip, "it did not predict this clip; run 'abaw infer' again"))
            for model, why in zip(models, reasons, strict=True)
            if clip not in model.manifest.clips and clip not in model.trained_on
        ]
        if without:
            having = sum(model.role(clip) is not None for model in models)
            taken = f"the mean over the other {having} was taken" if having else "no model predicted it"
            found.append(Skipped(clip, "ensemble", f"{taken}; without {_few(without)}"))
    return found


def _few(without: Sequence[tuple[str, str]]) -> str:
    more = f" and {len(without) - 1} more" if len(without) > 1 else ""
    return f"{without[0][0]}{more} ({without[0][1]})"
