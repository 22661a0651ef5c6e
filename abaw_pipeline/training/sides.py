"""One side of a fold in memory: features of its clips one after the other, with their labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.training.loop import Labelled
from abaw_pipeline.training.resident import pack
from abaw_pipeline.training.samples import Aligned, Moments, join_features
from abaw_pipeline.types import FrameTable


def load_side(
    aligned: Mapping[str, Aligned],
    read: Callable[[str], list[FrameTable]],
    widths: Sequence[int],
    gap: str,
    training: bool,
) -> tuple[Labelled, Moments]:
    """Read the features of one side, with the statistics of its valid rows.

    Label rows beyond the last frame are frames of their own in training, and repeated predictions in validation, as
    they are in a submission.

    Args:
        aligned: labels on frames by clip, at least one clip.
        read: the features of a clip, in order.
        widths: dimension of each feature.
    """
    clips = list(aligned.values())
    every = [np.arange(len(clip.rows)) for clip in clips]
    picks = [clip.rows for clip in clips] if training else [np.arange(clip.frames) for clip in clips]
    rows = every if training else [clip.rows for clip in clips]
    moments = Moments(widths)

    def joined() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for clip, pick in zip(progress(aligned, "read features"), picks, strict=True):
            tables = read(clip)
            moments.add(tables)
            values, known = join_features(tables, gap, clip)
            yield (values, known) if len(pick) == len(values) else (values[pick], known[pick])

    resident = pack(joined(), sum(map(len, picks)), widths)
    starts = np.cumsum([0, *resident.lengths[:-1]])
    return Labelled(
        resident,
        np.concatenate([start + own for start, own in zip(starts, rows, strict=True)]),
        np.concatenate([clip.labels for clip in clips]),
        np.concatenate([clip.annotated for clip in clips]),
    ), moments
