"""The rows of a submission: which prediction each row of the sample file takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

TOLERANCE = 5
"""Rows past the last predicted frame take the last one when they are at most this many frames beyond it: decoders,
crops and the organisers' files often disagree by a frame or two."""

OWN, PAST_THE_END, LACKING = 0, 1, 2


@dataclass
class Rows:
    """``values`` ``(n, columns)`` float64, NaN where lacking; ``state`` ``(n,)``: one of the constants above."""

    clips: list[str]
    values: np.ndarray
    state: np.ndarray

    def count(self, state: int) -> dict[str, int]:
        """Rows in this state by clip."""
        return dict(sorted(Counter(self.clips[i] for i in np.flatnonzero(self.state == state)).items()))


def collect(sample: Sequence[tuple[str, int]], columns: int, predictions: Callable[[str], np.ndarray | None]) -> Rows:
    """The prediction for every row of a sample file, by frame number.

    Args:
        sample: clip id and frame number (from 1) per row.
        predictions: predicted values ``(n_frames, columns)`` of a clip, or ``None``; asked once per clip.
    """
    places: dict[str, list[int]] = {}
    for place, (clip, _) in enumerate(sample):
        places.setdefault(clip, []).append(place)
    frames = np.array([frame for _, frame in sample], dtype=np.int64)
    values = np.full((len(sample), columns), np.nan)
    state = np.full(len(sample), LACKING, dtype=np.uint8)
    for clip, mine in places.items():
        predicted = predictions(clip)
        if predicted is None or not len(predicted):
            continue
        at = frames[mine] - 1
        beyond = at - (len(predicted) - 1)
        values[mine] = np.where((beyond <= TOLERANCE)[:, None], predicted[np.minimum(at, len(predicted) - 1)], np.nan)
        state[mine] = np.select([beyond <= 0, beyond <= TOLERANCE], [OWN, PAST_THE_END], LACKING)
    return Rows([clip for clip, _ in sample], values, state)


def worst(parts: Sequence[Rows]) -> Rows:
    """The rows of several tasks as one: each in the worst state it is in for any of them."""
    values = np.concatenate([part.values for part in parts], axis=1)
    return Rows(parts[0].clips, values, np.maximum.reduce([part.state for part in parts]))


def fill(rows: Rows, how: str) -> np.ndarray:
    """Values without gaps, ``(n, columns)``.

    Args:
        how: ``refuse``, ``zero`` or ``mean`` (over every row that has a prediction, per column).

    Raises:
        ValueError: rows lack a prediction and ``how`` is ``refuse``, or there is no prediction to take a mean of.
    """
    lacking = rows.state == LACKING
    if not lacking.any():
        return rows.values
    if how == "refuse":
        counts = rows.count(LACKING)
        first = ", ".join(f"{clip} ({count} rows)" for clip, count in list(counts.items())[:5])
        more = f" and {len(counts) - 5} more clips" if len(counts) > 5 else ""
        raise ValueError(
            f"{int(lacking.sum())} of {len(lacking)} rows of the sample file have no prediction: {first}{more}; see "
            "'abaw summary' for skipped clips, or set submission.fill to 'zero' or 'mean'"
        )
    if how == "mean" and lacking.all():
        raise ValueError("no row of the sample file has a prediction, so submission.fill: mean has nothing to average")
    filler = np.zeros(rows.values.shape[1]) if how == "zero" else rows.values[~lacking].mean(axis=0)
    return np.where(lacking[:, None], filler, rows.values)
