"""What decides the weights of a training, as digests that Snakemake can read. Imports no torch."""

from __future__ import annotations

from typing import Any

from abaw_pipeline.runtime.code import code_digest
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.tasks import own_tasks
from abaw_pipeline.training.settings import ExperimentSettings

VERSION = 2
"""Raised by hand when weights change though neither code nor settings do (a changed default, a library)."""

# Where the data and its folds lie, and what other trainings there are. Which clips are on which side is in the key.
_ELSEWHERE: dict[str, bool | set[str]] = {"dataset": True, "seeds": True, "folds": {"path"}, "predict_trained": True}


def training_modules(settings: ExperimentSettings) -> tuple[str, ...]:
    """Modules that turn samples into weights, for the parts that ``settings`` name; their imports apart."""
    encoders = {encoder.name for encoder in settings.encoders}
    losses = {one.loss.name for one in settings.targets.values()}
    return (
        "training.loop",
        "training.splits.folds",
        *(["training.splits.scenes"] if settings.scenes else []),
        "training.sides",
        "training.targets",
        "models.frameworks",
        f"models.fusion.{settings.fusion.name}",
        *(f"models.encoders.{name}" for name in sorted(encoders)),
        *(f"training.losses.{name}" for name in sorted(losses)),
    )


def training_code(settings: ExperimentSettings) -> str:
    """Digest of the code that turns samples into weights."""
    return code_digest(*training_modules(settings))


def recipe(settings: ExperimentSettings, fold: str, seed: int, code: str | None = None) -> str:
    """Digest of everything but the data: settings of this one training, and code (``None``: as it is now)."""
    chosen = settings.model_dump(mode="json", exclude_defaults=True, exclude=_ELSEWHERE | {"stride": True})
    made_from = {"version": VERSION, "settings": chosen, "hop": settings.hop, "fold": fold, "seed": seed}
    return digest({**made_from, **_own_tasks(settings), "code": code or training_code(settings)})


def family(settings: ExperimentSettings) -> str:
    """What the recipes of all folds and seeds of an experiment share, as one digest: they are equally fast."""
    return recipe(settings, "", 0)


PREDICTION_MODULES = ("training.predict", "training.samples")
"""Modules between a trained model and its predictions; the encoder's own code comes with the model."""

# What a model's predictions depend on beside its weights.
_PREDICTING = {"task", "tasks", "features", "encoder", "head", "fusion", "framework", "segment", "batch", "gap"}


def prediction_code() -> str:
    """Digest of the code between a trained model and its predictions."""
    return code_digest(*PREDICTION_MODULES)


def prediction_key(settings: ExperimentSettings, model: str, contents: list[str], code: str) -> str:
    """Key of one clip's predictions.

    Args:
        model: content digest of the model: a training that ends in the same weights predicts nothing again.
        contents: content digests of the clip's features.
    """
    named = settings.model_dump(mode="json", include=_PREDICTING) | _own_tasks(settings)
    return digest([named, settings.hop, model, contents, code])


def _own_tasks(settings: ExperimentSettings) -> dict[str, Any]:
    """What the settings file says of tasks that are not built in; nothing where there are none."""
    return {"own_tasks": own} if (own := own_tasks(settings.predicted)) else {}
