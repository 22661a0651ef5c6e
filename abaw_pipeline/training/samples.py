"""One clip's features on its frames: side by side, gaps filled, and rows that are left out.

Shape letters: n frames of a clip, D input dimension (all features side by side), F features, k kept frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from abaw_pipeline.types import FrameTable


def join_features(tables: Sequence[FrameTable], gap: str, clip: str) -> tuple[np.ndarray, np.ndarray]:
    """Features side by side, gaps filled.

    Args:
        gap: see ``TrainingSettings.gap``; ``drop`` fills nothing, ``kept_frames`` says which rows go.

    Returns:
        values ``(n, D)`` in the widest of the features' types, and known ``(n, F)``: where a feature has a value
        (its own, or one made of its neighbours'); elsewhere zero is put in after standardisation.

    Raises:
        ValueError: features of different lengths.
    """
    lengths = {len(table.valid) for table in tables}
    if len(lengths) > 1:
        raise ValueError(f"{clip}: its features have different numbers of frames ({sorted(lengths)}); extract again")
    fill = {"nearest": _nearest, "linear": _linear}.get(gap, lambda table: table)
    filled = [fill(table) if 0 < table.valid.sum() < len(table.valid) else table for table in tables]
    return np.concatenate([table.values for table in filled], axis=1), np.stack([t.valid for t in filled], axis=1)


def gap_of(gap: str, stills: bool) -> str:
    """What fills the gaps of a clip: nothing where it is a bundle of stills, of which none tells of another."""
    return "zero" if stills else gap


def sequences(values: np.ndarray, known: np.ndarray, stills: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What a network sees one after the other of a clip's rows: all of them at once, or each still for itself."""
    if not stills:
        yield values, known
        return
    for row in range(len(values)):
        yield values[row : row + 1], known[row : row + 1]


def _nearest(table: FrameTable) -> FrameTable:
    """Every row without a value takes the nearest that has one, the earlier of two equally near ones."""
    return FrameTable(table.values[nearest(table.valid)], np.ones(len(table.valid), bool))


def nearest(valid: np.ndarray) -> np.ndarray:
    """For every row the nearest one that is ``valid`` (bool ``(n,)``, one at least), the earlier of two; int64."""
    rows, there = np.arange(len(valid)), np.flatnonzero(valid)
    before, after = _around(there, rows)
    return np.where(np.abs(rows - before) <= np.abs(after - rows), before, after)


def _linear(table: FrameTable) -> FrameTable:
    """Every row without a value takes a mixture of the two around it; before the first and after the last, theirs."""
    rows, there = np.arange(len(table.valid)), np.flatnonzero(table.valid)
    before, after = _around(there, rows)
    share = (np.clip((rows - before) / np.maximum(after - before, 1), 0, 1))[:, None].astype(np.float32)
    mixed = table.values[before] * (1 - share) + table.values[after] * share
    return FrameTable(mixed.astype(table.values.dtype), np.ones(len(rows), bool))


def _around(there: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The last row of ``there`` up to each row, and the first from it on (the end's own where there is none)."""
    last = np.searchsorted(there, rows, side="right") - 1
    first = np.searchsorted(there, rows, side="left")
    return there[np.maximum(last, 0)], there[np.minimum(first, len(there) - 1)]


def kept_frames(known: np.ndarray, gap: str) -> np.ndarray:
    """Frames that stay in the sequence, bool ``(n,)``: all of them unless ``gap`` is ``drop``.

    Dropped is a frame that lacks a feature which the clip has elsewhere; a clip without one whole frame keeps all.

    Args:
        known: ``(n, F)``.
    """
    if gap != "drop":
        return np.ones(len(known), bool)
    somewhere = known.any(axis=0)
    kept = known[:, somewhere].all(axis=1)
    return np.asarray(kept) if kept.any() and somewhere.any() else np.ones(len(known), bool)
