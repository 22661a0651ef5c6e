"""What the parts of a temporal model hand to each other.

Shape letters: B windows, T frames, W width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch

from abaw_pipeline.models.settings import HeadSettings

State = Mapping[str, torch.Tensor]
"""What a recurrent encoder carries from segment to segment: tensors with the window first, ``(B, ...)``."""


@dataclass(frozen=True)
class Encoded:
    """What an encoder makes of a window.

    Attributes:
        main: ``(B, T, W)``.
        branches: further streams that get a head of their own, ``(B, T, w)`` each, by the encoder's ``branches``.
        state: what the next segment of the same clips begins with; empty where nothing is carried.
    """

    main: torch.Tensor
    branches: Mapping[str, torch.Tensor] = field(default_factory=dict)
    state: State = field(default_factory=dict)


def take(state: State, rows: torch.Tensor) -> dict[str, torch.Tensor]:
    """The state of windows ``rows`` (int64), gradients cut."""
    return {name: value.detach()[rows] for name, value in state.items()}


def prefixed(owner: str, state: State) -> dict[str, torch.Tensor]:
    """The state of one encoder among several."""
    return {f"{owner}.{name}": value for name, value in state.items()}


def owned(owner: str, state: State | None) -> dict[str, torch.Tensor] | None:
    """What ``prefixed`` made of the owner's state; ``None`` where there is none."""
    start = f"{owner}."
    return {name.removeprefix(start): value for name, value in (state or {}).items() if name.startswith(start)} or None


@dataclass(frozen=True)
class Target:
    """What the model says about one task.

    Attributes:
        columns: numbers predicted per frame (or per clip): values, class scores or unit scores.
        extra: further numbers that only the loss sees, after the columns (``mse_class``: scores of a class head).
        activation: of the columns; scores of classes and labels are logits (``none``).
        level: ``frame``, or ``clip``: the frames of a window are pooled.
    """

    columns: int
    extra: int
    activation: Literal["tanh", "sigmoid", "none"]
    level: Literal["frame", "clip"]
    head: HeadSettings


@dataclass(frozen=True)
class Term:
    """What one loss is taken of: ``scores`` ``(B, T, columns + extra)``, or ``(B, columns + extra)`` of clips."""

    scores: torch.Tensor
    weight: float


@dataclass(frozen=True)
class Predicted:
    """What the model makes of a window.

    Attributes:
        values: by task ``(B, T, columns)``, or ``(B, columns)`` for tasks of the level ``clip``; logits where the
            target has no activation.
        terms: by task what its loss is summed over; one term of weight 1 for most models.
        state: see ``Encoded``.
    """

    values: Mapping[str, torch.Tensor]
    terms: Mapping[str, list[Term]]
    state: State = field(default_factory=dict)
