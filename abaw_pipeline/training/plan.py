"""What decides the weights of a training, as digests that Snakemake can read. Imports no torch."""

from __future__ import annotations

from abaw_pipeline.runtime.keys import code_digest, digest
from abaw_pipeline.training.settings import ExperimentSettings

VERSION = 1
"""Raised by hand when weights change though neither code nor settings do (a changed default, a library)."""

# Where the data lies, and what other trainings there are.
_ELSEWHERE = {"dataset", "seeds"}


def training_code(settings: ExperimentSettings) -> str:
    """Digest of the code that turns samples into weights, for the encoder and loss of ``settings``."""
    return code_digest(
        "training.loop",
        "training.sides",
        "training.folds",
        "training.optimisation",
        "models.temporal",
        f"models.encoders.{settings.encoder.name}",
        f"training.losses.{settings.loss.name}",
    )


def recipe(settings: ExperimentSettings, fold: str, seed: int) -> str:
    """Digest of everything but the data: settings of this one training, and code."""
    chosen = settings.model_dump(mode="json", exclude_defaults=True, exclude=_ELSEWHERE | {"stride"})
    code = training_code(settings)
    return digest(
        {"version": VERSION, "settings": chosen, "hop": settings.hop, "fold": fold, "seed": seed, "code": code}
    )


def prediction_code() -> str:
    """Digest of the code between a trained model and its predictions."""
    return code_digest("training.predict", "training.samples")
