"""Features side by side, standardised, and the statistics for it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from abaw_pipeline.training.moments import Moments
from abaw_pipeline.training.resident import Standard, pack
from abaw_pipeline.training.samples import join_features
from abaw_pipeline.training.windows import cut
from abaw_pipeline.types import FrameTable
from tests.sides import table


def test_unknown_rows_and_padding_are_zero_after_standardisation() -> None:
    joined = [join_features([table([4, 6, 8], [1, 0, 1]), table([1, 1, 1], [1, 1, 1])], "zero", "c")]
    clips = pack(joined, 3, [1, 1])
    standard = Standard(torch.tensor([6.0, 0]), torch.tensor([2.0, 1]))
    frames, known, mask = clips.batch(cut([3], 2, 2), standard)
    assert frames.tolist() == [[[-1, 1], [0, 1]], [[1, 1], [0, 0]]]
    assert known.tolist() == [[[True, True], [False, True]], [[True, True], [False, False]]]
    assert mask.tolist() == [[True, True], [True, False]]


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize(("lengths", "stride"), [([10, 5], 5), ([7, 9], 3)])
def test_a_batch_is_rows_of_the_table_standardised(lengths: list[int], stride: int, dtype: str, gaps: bool) -> None:
    rng = np.random.default_rng(0)
    joined = [
        (rng.normal(size=(length, 3)).astype(dtype), (rng.random((length, 2)) > 0.3) | (not gaps)) for length in lengths
    ]
    clips, windows = pack(joined, sum(lengths), [2, 1]), cut(lengths, 5, stride)
    standard = Standard(torch.tensor([1.0, -2.0, 0.5]), torch.tensor([2.0, 0.1, 3.0]))
    before = clips.values.clone()
    frames, known, mask = clips.batch(windows, standard)
    values, marks = (np.concatenate(part) for part in zip(*joined, strict=True))
    rows, here = (part.numpy() for part in windows.rows())
    there = marks[rows] & here[..., None]
    expected = (values[rows].astype(np.float32) - standard.mean.numpy()) / standard.deviation.numpy()
    assert frames.dtype == torch.float32
    assert (known.numpy() == there).all() and (mask.numpy() == here).all()
    assert frames.numpy() == pytest.approx(np.where(np.repeat(there, [2, 1], axis=-1), expected, 0), abs=1e-5)
    assert torch.equal(clips.values, before)


def test_features_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="c7: its features have different numbers of frames"):
        join_features([table([1, 2], [1, 1]), table([1], [1])], "zero", "c7")


def test_moments_equal_numpy_over_valid_rows() -> None:
    rng = np.random.default_rng(0)
    moments, kept = Moments([2, 1]), ([], [])
    for frames in (5, 1, 30):
        valid = rng.random((2, frames)) < 0.6
        valid[:, 0] = True
        values = rng.normal(100, 3, (frames, 3)).astype(np.float32)
        moments.add([FrameTable(values[:, :2], valid[0]), FrameTable(values[:, 2:], valid[1])])
        kept[0].append(values[valid[0], :2])
        kept[1].append(values[valid[1], 2:])
    mean, deviation = moments.result(["a", "b"])
    first, second = np.concatenate(kept[0]), np.concatenate(kept[1])
    assert mean == pytest.approx([*first.mean(0), *second.mean(0)], rel=1e-5)
    assert deviation == pytest.approx([*first.std(0), *second.std(0)], rel=1e-4)


def test_constant_columns_are_not_blown_up_and_empty_features_refused() -> None:
    moments = Moments([1, 1])
    moments.add([table([3, 3], [1, 1]), table([3, 3], [0, 0])])
    with pytest.raises(ValueError, match="feature 'b' has no valid row"):
        moments.result(["a", "b"])
    moments.add([table([3], [1]), table([1], [1])])
    assert moments.result(["a", "b"])[1].tolist() == [1, 1]
