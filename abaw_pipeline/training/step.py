"""One epoch of steps: forward, loss over annotated frames, backward, update.

Shape letters: B windows, T frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch

from abaw_pipeline.models.streams import Predicted, State, take
from abaw_pipeline.training.goals import Goal, Places
from abaw_pipeline.training.optimisation.optimisers import set_rate
from abaw_pipeline.training.resident import Resident, Standard
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.trainer_state import TrainerState
from abaw_pipeline.training.windows import Turn


class Steps:
    """Trains the network of ``state`` on ``clips``.

    Args:
        clips, standard: on the device of the network (clips only where they fit there).
    """

    def __init__(
        self,
        state: TrainerState,
        clips: Resident,
        goals: Mapping[str, Goal],
        standard: Standard,
        settings: ExperimentSettings,
    ) -> None:
        self._state, self._clips, self._goals = state, clips, goals
        self._standard, self._settings = standard, settings
        self._device = standard.mean.device

    def epoch(self, turns: Sequence[Turn], rate: Callable[[float], float]) -> tuple[float, dict[str, float]]:
        """One step per turn; a turn without an annotated frame only hands on the recurrent state.

        Args:
            rate: learning rate by the share of the epoch that is over.

        Returns:
            As ``Epoch.loss`` and ``Epoch.losses``. They are added up on the device and looked at once.

        Raises:
            ValueError: a loss that is not finite.
        """
        self._state.network.train()
        sums = {name: torch.zeros((), device=self._device) for name in self._goals}
        counts, steps = dict.fromkeys(self._goals, 0), 0
        carried: State = {}
        for number, turn in enumerate(turns):
            places = self._places(turn)
            if not places and not self._state.network.carries_state:
                continue
            set_rate(self._state.optimiser, rate(number / len(turns)))
            losses, carried = self._step(turn, carried, places)
            steps += bool(losses)
            for name, loss in losses.items():
                sums[name] += loss
                counts[name] += 1
        totals = dict(zip(sums, torch.stack([*sums.values()]).tolist(), strict=True))
        loss = sum(self._goals[name].weight * total for name, total in totals.items()) / steps
        if not math.isfinite(loss):
            raise ValueError(f"training: the loss is {loss}; lower optimiser.lr")
        return loss, {name: total / max(counts[name], 1) for name, total in totals.items()}

    def _places(self, turn: Turn) -> dict[str, Places]:
        """The annotated frames of a turn by task; tasks without one are left out."""
        rows, mask = turn.windows.rows()
        found = {name: goal.places(turn.windows, rows, mask) for name, goal in self._goals.items()}
        return {name: (_to(at, self._device), _to(of, self._device)) for name, (at, of) in found.items() if len(at)}

    def _step(self, turn: Turn, carried: State, places: Mapping[str, Places]) -> tuple[dict[str, torch.Tensor], State]:
        """Losses by task, on the device, and the state after the turn."""
        if not places:
            with torch.no_grad():
                return {}, self._passes(turn, carried, 1)[0].state
        r_drop = self._settings.r_drop
        passes = self._passes(turn, carried, 2 if r_drop else 1)
        losses = {name: self._goals[name].loss(passes, found, r_drop) for name, found in places.items()}
        self._update(torch.stack([self._goals[name].weight * loss for name, loss in losses.items()]).sum())
        return {name: loss.detach() for name, loss in losses.items()}, passes[0].state

    def _passes(self, turn: Turn, carried: State, times: int) -> list[Predicted]:
        frames, known, mask = self._clips.batch(turn.windows, self._standard)
        state = None if turn.carried is None else take(carried, turn.carried.to(self._device))
        low = self._settings.precision == "bfloat16"
        with torch.autocast(self._device.type, torch.bfloat16, enabled=low):
            return [self._state.network(frames, known, mask, state) for _ in range(times)]

    def _update(self, loss: torch.Tensor) -> None:
        state = self._state
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if self._settings.clip_norm:
            torch.nn.utils.clip_grad_norm_(state.network.parameters(), self._settings.clip_norm)
        state.optimiser.step()
        if state.average:
            state.average.follow(state.network)


def _to(index: torch.Tensor, device: torch.device) -> torch.Tensor:
    """``index`` on ``device``, without waiting for the work that is under way there."""
    return index.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else index
