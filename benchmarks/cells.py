"""Small multi-task trainings: every encoder with every fusion it goes with, and the frameworks side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from abaw_pipeline.models.check import check_fusion
from abaw_pipeline.models.parts import Part
from abaw_pipeline.training.settings import ExperimentSettings

TASKS = ("va", "expr", "au")
FEATURES = ("densenet", "fbank", "egemaps")
WIDTH = 64
COMMON: dict[str, Any] = {
    "tasks": {task: {} for task in TASKS},
    "features": list(FEATURES),
    "segment": 75,
    "batch": 4,
    "epochs": 10,
    "clip_norm": 1.0,
}
_ATTENDING = {"width": WIDTH, "layers": 2, "heads": 4, "feedforward": 2 * WIDTH, "dropout": 0.1}
_BESIDE_GRU = {"name": "gru_transformer", **_ATTENDING, "hidden": WIDTH, "gru_layers": 1}

ENCODERS: dict[str, dict[str, Any]] = {
    "gru": {"name": "gru", "hidden": WIDTH},
    "gru, state carried": {"name": "gru", "hidden": WIDTH, "carry_state": True},
    "lstm": {"name": "lstm", "hidden": WIDTH},
    "transformer": {"name": "transformer", **_ATTENDING},
    "transformer_lstm": {"name": "transformer_lstm", **_ATTENDING, "hidden": WIDTH},
    "gru_transformer, concat": {**_BESIDE_GRU, "branch_loss": "concat"},
    "gru_transformer, branches": {**_BESIDE_GRU, "branch_loss": "branches"},
    "gru_local_attention": {"name": "gru_local_attention", "hidden": WIDTH, "layers": 2, "window": 32},
    "twin_transformer": {"name": "twin_transformer", **_ATTENDING},
    "attention_transformer": {"name": "attention_transformer", **_ATTENDING},
    "temma": {"name": "temma", **_ATTENDING},
    "tcn": {"name": "tcn", "width": WIDTH},
}
RATES: dict[str, float] = {}
"""Learning rates that are not ``RATE``."""
RATE = 2e-3
_EACH = {"name": "gru", "hidden": WIDTH}
FRAMEWORKS: dict[str, Any] = {
    "basic": "basic",
    "share_bottom": {"name": "share_bottom", "encoder": _EACH},
    "feedback, va to expr": {"name": "feedback", "encoder": _EACH, "source": "va", "target": "expr"},
    "feedback, au to expr": {"name": "feedback", "encoder": _EACH, "source": "au", "target": "expr"},
}


@dataclass(frozen=True)
class Cell:
    """One training of a table: what its row is called, and its settings."""

    row: str
    column: str
    settings: ExperimentSettings

    @property
    def name(self) -> str:
        """As a folder may be called."""
        return f"{self.row}-{self.column}".replace(", ", "-").replace(" ", "_")


def fusion_cells(parts: Sequence[Part]) -> tuple[list[Cell], list[str]]:
    """Every encoder with every fusion; and of those that do not go together, what is said of them.

    Args:
        parts: the features, as a model sees them.
    """
    cells, refused = [], []
    for title, encoder in ENCODERS.items():
        for fusion in ("early", "late", "clip_tokens", "interaction"):
            cell = Cell(title, fusion, _settings(title, encoder=encoder, fusion=_fusion(fusion, encoder)))
            try:
                check_fusion(cell.settings.fusion, cell.settings.encoder, parts)
                cells.append(cell)
            except ValueError as error:
                refused.append(f"{title}: {error}")
    return cells, refused


def framework_cells() -> list[Cell]:
    """The frameworks over one bottom, a GRU."""
    settings = {name: _settings("gru", encoder=ENCODERS["gru"], framework=raw) for name, raw in FRAMEWORKS.items()}
    return [Cell("gru", name, one) for name, one in settings.items()]


def _fusion(name: str, encoder: dict[str, Any]) -> dict[str, Any]:
    if name != "interaction":
        return {"name": name}
    if encoder["name"] != "temma":
        return {"name": name, "width": WIDTH}
    # TEMMA's own place: a stream per modality, that attend to one another.
    return {"name": name, "width": WIDTH, "interaction": {**encoder, "width": 2 * WIDTH, "streams": 2}}


def _settings(title: str, **own: Any) -> ExperimentSettings:
    optimiser = {"name": "adamw", "lr": RATES.get(title, RATE)}
    return ExperimentSettings.model_validate({**COMMON, "optimiser": optimiser, **own})
