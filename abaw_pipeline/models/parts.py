"""The features of an input and the modalities they make up. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One feature of the input, in the order in which features stand side by side.

    Attributes:
        modality: ``visual``, ``audio`` or ``text``.
        dimension: numbers a frame.
    """

    name: str
    modality: str
    dimension: int


@dataclass(frozen=True)
class Modality:
    """Features of one kind.

    Attributes:
        places: of its features among all.
        dimension: numbers a frame of them together.
    """

    name: str
    places: tuple[int, ...]
    dimension: int

    def input_width(self, mask_input: bool) -> int:
        """Numbers a frame, with a further one per feature where ``known`` is part of the input."""
        return self.dimension + mask_input * len(self.places)


def modalities(parts: Sequence[Part]) -> list[Modality]:
    """All modalities, in the order in which they first appear among the features."""
    places: dict[str, list[int]] = {}
    for place, part in enumerate(parts):
        places.setdefault(part.modality, []).append(place)
    return [Modality(name, tuple(own), sum(parts[p].dimension for p in own)) for name, own in places.items()]
