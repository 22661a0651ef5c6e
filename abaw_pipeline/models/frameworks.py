"""How several tasks share a model.

Shape letters: B windows, T frames, W width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from abaw_pipeline.models.encoders.settings import EncoderSettings
from abaw_pipeline.models.fusion.base import BuildEncoder, Fusion
from abaw_pipeline.models.readout import Read, Readout
from abaw_pipeline.models.settings import BasicFramework, FeedbackFramework, ShareBottomFramework
from abaw_pipeline.models.streams import Encoded, Predicted, State, Target, owned, prefixed


@dataclass(frozen=True)
class _Made:
    """What is made for one task."""

    encoded: Encoded
    read: Read


class _Tower(nn.Module):
    """Encoder and readout of one task, over frames ``(B, T, inputs)``; an affine layer where widths differ."""

    def __init__(self, inputs: int, encoder: EncoderSettings, target: Target, build_encoder: BuildEncoder) -> None:
        super().__init__()
        width = encoder.input_width
        self.entry = nn.Identity() if inputs == width else nn.Linear(inputs, width)
        self.encoder = build_encoder(encoder)
        self.readout = Readout(self.encoder, target)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor, state: State | None) -> _Made:
        encoded = self.encoder(self.entry(frames), mask, state)
        return _Made(encoded, self.readout(encoded, mask))


class Framework(nn.Module, ABC):
    """What follows the fusion.

    Attributes:
        carries_state: encoders of the tasks do.
    """

    carries_state = False

    @abstractmethod
    def forward(self, bottom: Encoded, mask: torch.Tensor, state: State | None) -> Predicted:
        """What the fusion made to what is predicted; ``state``, given and returned, is that of the tasks alone."""


class Basic(Framework):
    """One encoder for all tasks, a readout per task."""

    def __init__(
        self, settings: BasicFramework, bottom: Fusion, targets: Mapping[str, Target], build_encoder: BuildEncoder
    ) -> None:
        super().__init__()
        self.tasks = list(targets)  # beside a list: a user's task may bear a name that a submodule cannot
        self.readouts = nn.ModuleList(Readout(bottom, target) for target in targets.values())

    def forward(self, bottom: Encoded, mask: torch.Tensor, state: State | None) -> Predicted:
        readouts = zip(self.tasks, self.readouts, strict=True)
        return _predicted({task: readout(bottom, mask) for task, readout in readouts}, {})


class ShareBottom(Framework):
    """An encoder and a readout per task over what the shared bottom makes (Caruana, 1997; Situ Tech, ABAW4)."""

    def __init__(
        self,
        settings: ShareBottomFramework | FeedbackFramework,
        bottom: Fusion,
        targets: Mapping[str, Target],
        build_encoder: BuildEncoder,
    ) -> None:
        super().__init__()
        self.tasks = list(targets)
        towers = [_Tower(bottom.width, settings.encoder, target, build_encoder) for target in targets.values()]
        self.towers = nn.ModuleList(towers)
        self.carries_state = any(tower.encoder.carries_state for tower in towers)

    def forward(self, bottom: Encoded, mask: torch.Tensor, state: State | None) -> Predicted:
        made = self._made(bottom, mask, state)
        carried: dict[str, torch.Tensor] = {}
        for task, one in made.items():
            carried |= prefixed(task, one.encoded.state)
        return _predicted({task: one.read for task, one in made.items()}, carried)

    def _made(self, bottom: Encoded, mask: torch.Tensor, state: State | None) -> dict[str, _Made]:
        towers = zip(self.tasks, self.towers, strict=True)
        return {task: tower(bottom.main, mask, owned(task, state)) for task, tower in towers}


class Feedback(ShareBottom):
    """Share-bottom where the target's encoder also sees what was made for the source, gradients cut."""

    def __init__(
        self,
        settings: FeedbackFramework,
        bottom: Fusion,
        targets: Mapping[str, Target],
        build_encoder: BuildEncoder,
    ) -> None:
        others = {task: target for task, target in targets.items() if task != settings.target}
        super().__init__(settings, bottom, others, build_encoder)
        self.source, self.target, self.fed = settings.source, settings.target, settings.fed
        source = self.towers[self.tasks.index(self.source)]
        assert isinstance(source, _Tower)
        fed = source.encoder.width if self.fed == "encoder" else source.readout.hidden_width
        self.target_tower = _Tower(bottom.width + fed, settings.encoder, targets[self.target], build_encoder)

    def _made(self, bottom: Encoded, mask: torch.Tensor, state: State | None) -> dict[str, _Made]:
        made = super()._made(bottom, mask, state)
        frames = torch.cat([bottom.main, self._fed(made[self.source], mask)], -1)
        made[self.target] = self.target_tower(frames, mask, owned(self.target, state))
        return made

    def _fed(self, source: _Made, mask: torch.Tensor) -> torch.Tensor:
        """``(B, T, fed width)``."""
        if self.fed == "encoder":
            return source.encoded.main.detach()
        hidden = source.read.hidden.detach()
        return hidden if hidden.dim() == 3 else hidden[:, None].expand(-1, mask.shape[1], -1)  # one row per clip


def _predicted(read: Mapping[str, Read], state: State) -> Predicted:
    values = {task: one.values for task, one in read.items()}
    return Predicted(values, {task: one.terms for task, one in read.items()}, state)
