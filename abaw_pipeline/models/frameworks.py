"""How several tasks share a model.

Shape letters: B windows, T frames, W width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import nn

from abaw_pipeline.models.fusion.base import BuildEncoder, Fusion
from abaw_pipeline.models.readout import Read, Readout
from abaw_pipeline.models.settings import BasicFramework
from abaw_pipeline.models.streams import Encoded, Predicted, State, Target


class Framework(nn.Module, ABC):
    """What follows the fusion.

    Attributes:
        carries_state: some encoder of a task does.
    """

    carries_state = False

    @abstractmethod
    def forward(self, bottom: Encoded, mask: torch.Tensor, state: State | None) -> Predicted:
        """What the fusion made to what is predicted; ``state`` and what is returned are those of the tasks alone."""


class Basic(Framework):
    """One encoder for all tasks: a readout per task."""

    def __init__(
        self,
        settings: BasicFramework,
        bottom: Fusion,
        targets: Mapping[str, Target],
        build_encoder: BuildEncoder,
    ) -> None:
        super().__init__()
        self.tasks = list(targets)  # a list beside them: not every name of a task can be that of a submodule
        self.readouts = nn.ModuleList(Readout(bottom, target) for target in targets.values())

    def forward(self, bottom: Encoded, mask: torch.Tensor, state: State | None) -> Predicted:
        return _predicted({task: read(bottom, mask) for task, read in zip(self.tasks, self.readouts, strict=True)})


def _predicted(read: Mapping[str, Read], state: State | None = None) -> Predicted:
    return Predicted(
        {task: one.values for task, one in read.items()}, {task: one.terms for task, one in read.items()}, state or {}
    )
