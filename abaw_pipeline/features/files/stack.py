"""``stack``: what the models of a first stage predict, as a feature of a second stage.

For a clip that models of the first stage were trained on, only predictions of models count that never saw its
recording (role ``val``); for every other clip, those of all of them. Their mean stands for each experiment::

    features:
      scores: {extractor: stack, task: va, experiments: [vap_1, vap_2, vap_3, vap_4, vap_5]}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, model_validator

from abaw_pipeline.features.base import ExtractorSettings, Spec
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.types import Clock, FrameTable

if TYPE_CHECKING:
    import torch

    from abaw_pipeline.features.store import ArrayStore

HELD, TRAINED = "val", "trained"
"""Roles of clips that a model was not trained on though its experiment trains on them, and of those that it was."""


class Stack:
    """A file extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``stack``; it takes no weights."""

        extractor: Literal["stack"]
        experiments: list[str] = Field(min_length=1)
        """Of the first stage. Each gives one value per column of the task."""
        task: str
        """What of their predictions is taken."""
        mode: Literal["repeated", "single", "paper"] = "repeated"
        """``repeated``: several experiments whose folds differ by their seed, each one out-of-fold value per column and
        clip; ``single``: one experiment; ``paper``: each model of one experiment gives its own value of every clip,
        those it was trained on included. That leaks labels, as Eq. 7 of jnu_abaw3 does, and every report says so."""
        modality: Literal["visual", "audio", "text"] = "visual"
        predictions: str = "{results}/{dataset}/predictions"
        models: dict[str, list[str]] = {}
        """By experiment the names of its models (``fold1-0``). Filled in from the experiments of the settings."""

        @model_validator(mode="after")
        def _fits(self) -> Stack.Settings:
            if self.task not in TASKS:
                raise ValueError(f"task: no task '{self.task}'")
            if len(set(self.experiments)) < len(self.experiments):
                raise ValueError("experiments must differ from one another")
            if self.mode != "repeated" and len(self.experiments) > 1:
                raise ValueError(f"mode '{self.mode}' takes one experiment; 'repeated' takes several")
            return self

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        models = sum(map(len, settings.models.values())) if settings.mode == "paper" else len(settings.experiments)
        width = len(TASKS[settings.task].columns) * max(models, 1)
        return Spec(settings.modality, "files", width, "float32", ("features.files.stack",), places=("predictions",))

    @staticmethod
    def content(settings: Settings, clip: str, memory: Path | None = None) -> str:
        """Digest of the predictions that are taken of a clip."""
        return digest([[model.entry(clip)["content"] for model in group] for group in _groups(settings, clip)])

    @staticmethod
    def listing(settings: Settings) -> str:
        """Nothing: Snakemake sees the manifests of the predictions themselves."""
        return ""

    def load(self, device: torch.device) -> None:
        """Nothing to load."""

    def table(self, clip: str, clock: Clock) -> FrameTable:
        """The scores side by side, every row valid.

        Raises:
            ValueError: no model may predict the clip, or predictions of another number of frames.
        """
        columns = [
            np.mean([model.read(clip, self.settings.task) for model in group], axis=0, dtype=np.float64)
            for group in _groups(self.settings, clip)
        ]
        values = np.concatenate(columns, axis=1).astype(np.float32)
        if len(values) != len(clock):
            raise ValueError(f"{len(values)} predicted rows for {len(clock)} frames; run 'abaw infer' again")
        return FrameTable(values, np.ones(len(values), bool))


@dataclass(frozen=True)
class _Model:
    """Predictions of one trained model."""

    manifest: Manifest
    store: ArrayStore

    def entry(self, clip: str) -> dict[str, str]:
        return self.manifest.clips[clip]

    def read(self, clip: str, task: str) -> np.ndarray:
        return self.store.read_arrays(clip, self.entry(clip)["key"])[task]


def _groups(settings: Stack.Settings, clip: str) -> Iterator[list[_Model]]:
    """The models whose mean each block of columns is."""
    for experiment in settings.experiments:
        models = [_model(settings.predictions, experiment, name) for name in settings.models.get(experiment, [])]
        if settings.mode == "paper":
            yield from ([model] for model in _of_all(models, experiment, clip))
        else:
            yield _unseen(models, experiment, clip)


def _of_all(models: list[_Model], experiment: str, clip: str) -> list[_Model]:
    if any(clip not in model.manifest.clips for model in models):
        raise ValueError(
            f"not every model of '{experiment}' predicted it; set experiments.{experiment}.predict_trained"
        )
    return models


def _unseen(models: list[_Model], experiment: str, clip: str) -> list[_Model]:
    """The models that predicted a clip and never saw its recording.

    Raises:
        ValueError: there is none.
    """
    having = [model for model in models if clip in model.manifest.clips and model.entry(clip)["role"] != TRAINED]
    held = [model for model in having if model.entry(clip)["role"] == HELD]
    trained = any(clip in model.manifest.about["trained_on"] for model in models)
    if not (held if trained else having):
        why = "trains on it and holds it out of no fold (use kfold)" if trained else "did not predict it"
        raise ValueError(f"first-stage experiment '{experiment}' {why}")
    return held or having


def _model(predictions: str, experiment: str, name: str) -> _Model:
    from abaw_pipeline.features.store import ArrayStore  # zarr is not for those who only read settings

    path = Path(predictions) / experiment / f"{name}.json"
    fold, _, seed = name.rpartition("-")
    verb = f"abaw infer {experiment} --fold {fold} --seed {seed}"
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    return _Model(_manifest(path, changed, verb), ArrayStore(path.with_suffix(".zarr"), verb))


@lru_cache(maxsize=256)
def _manifest(path: Path, changed: int, verb: str) -> Manifest:
    """One reading for all clips; ``changed`` tells versions apart."""
    return Manifest.read(path, verb)
