"""A training between two epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from abaw_pipeline.models.temporal import TemporalModel
from abaw_pipeline.training.history import Epoch
from abaw_pipeline.training.optimisation.ema import Average
from abaw_pipeline.training.optimisation.optimisers import build_optimiser
from abaw_pipeline.training.select import Columns, chosen
from abaw_pipeline.training.settings import ExperimentSettings

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Snapshot:
    """Weights of one epoch, on the CPU, and the columns that it predicts, by task; ``None``: all of them."""

    epoch: int
    columns: Columns | None
    weights: Weights


class TrainerState:
    """Everything that an epoch changes and the next one begins with.

    Args:
        network: untrained, on the device it is trained on.

    Attributes:
        order: draws the order of the windows.
        kept: weights by epoch, of the epochs that may predict in the end.
    """

    def __init__(self, network: TemporalModel, settings: ExperimentSettings, seed: int) -> None:
        self.network, self._settings = network, settings
        self.average = Average(network, settings.ema) if settings.ema else None
        self.optimiser = build_optimiser(settings.optimiser, network.parameters())
        self.order = torch.Generator().manual_seed(seed)
        self.history: list[Epoch] = []
        self.kept: dict[int, Weights] = {}

    @property
    def predicting(self) -> TemporalModel:
        """The network that is validated and kept: the average where there is one."""
        return self.average.network if self.average else self.network

    def add(self, epoch: Epoch) -> None:
        """Take in a finished epoch; weights that can no longer be chosen are let go."""
        self.history.append(epoch)
        needed = self._chosen()
        self.kept = {number: weights for number, weights in self.kept.items() if number in needed}
        if epoch.epoch in needed:
            weights = self.predicting.state_dict()
            self.kept[epoch.epoch] = {name: value.detach().to("cpu", copy=True) for name, value in weights.items()}

    def snapshots(self) -> list[Snapshot]:
        """What was chosen, in the order of epochs."""
        return [Snapshot(number, columns, self.kept[number]) for number, columns in sorted(self._chosen().items())]

    def _chosen(self) -> dict[int, Columns | None]:
        return chosen(self._settings.select, self.history, self._settings.predicted)

    def state_dict(self) -> dict[str, Any]:
        """All of it, with the states of torch's random numbers, as tensors and plain values."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict() if self.average else None,
            "optimiser": self.optimiser.state_dict(),
            "order": self.order.get_state(),
            "random": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(self._device) if self._device.type == "cuda" else None,
            "history": [asdict(epoch) for epoch in self.history],
            "kept": self.kept,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state_dict`` gave."""
        self.network.load_state_dict(state["network"])
        if self.average:
            self.average.network.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.order.set_state(state["order"])
        torch.set_rng_state(state["random"])
        if self._device.type == "cuda" and state["cuda"] is not None:  # ``None``: it was begun on the CPU
            torch.cuda.set_rng_state(state["cuda"], self._device)
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        self.kept = state["kept"]

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device
