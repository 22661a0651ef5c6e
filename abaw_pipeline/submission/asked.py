"""A submission file that the settings ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """One file: of an ensemble, or of several ensembles whose tasks make up a track.

    Attributes:
        dataset: whose sample file is answered.
        name: of the ensemble, or of the joined submission (``submission.mtl``).
        ensembles: by task of the track, the ensemble that predicts it.
    """

    dataset: str
    name: str
    track: str
    ensembles: Mapping[str, str]
