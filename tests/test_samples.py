"""Windows, gaps, labels on frames, statistics."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from abaw_pipeline.training.predict import predict_frames
from abaw_pipeline.training.resident import Resident, Standard, cut, pack
from abaw_pipeline.training.samples import Moments, align_labels, join_features
from abaw_pipeline.training.settings import ExtraRows
from abaw_pipeline.types import FrameTable

torch.set_num_threads(1)

L = 8


# windows


@pytest.mark.parametrize("stride", [L, L // 2])
@pytest.mark.parametrize("length", [1, L - 1, L, L + 1, 3 * L + 7])
def test_windows_cover_every_frame(length: int, stride: int) -> None:
    windows = cut([3, length, 5], L, stride)
    hits = np.zeros(3 + length + 5, int)
    owner = np.repeat([0, 1, 2], [3, length, 5])
    rows, mask = windows.rows()
    for row, here in zip(rows.numpy(), mask.numpy(), strict=True):
        assert len(set(owner[row[here]])) == 1
        assert (np.diff(row[here]) == 1).all()
        hits[row[here]] += 1
    assert (hits == 1).all() if stride == L else ((hits >= 1) & (hits <= 2)).all()


class _Probe(torch.nn.Module):
    """Predicts a frame's own input plus where in its window it stands."""

    def __init__(self, place: float) -> None:
        super().__init__()
        self.place = place

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return frames + self.place * torch.arange(frames.shape[1])[:, None]


def resident(lengths: list[int]) -> Resident:
    rows = np.arange(sum(lengths), dtype=np.float32)[:, None]
    parts = np.split(rows, np.cumsum(lengths)[:-1])
    return pack([(part, np.ones((len(part), 1), bool)) for part in parts], len(rows), [1])


PLAIN = Standard(torch.zeros(1), torch.ones(1))


@pytest.mark.parametrize("stride", [L, L // 2])
@pytest.mark.parametrize("length", [1, L - 1, L, L + 1, 3 * L + 7])
def test_each_frame_is_predicted_once(length: int, stride: int) -> None:
    clips = resident([2, length])
    got = predict_frames(_Probe(0), clips, PLAIN, L, stride, batch=2)
    assert got[:, 0] == pytest.approx(np.arange(2 + length))


def test_overlapping_windows_are_averaged() -> None:
    got = predict_frames(_Probe(1), resident([12]), PLAIN, 8, 4, batch=1)[:, 0] - np.arange(12)
    # frames 4 to 7 stand at 4..7 of the first window and at 0..3 of the second
    assert got == pytest.approx([0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7])


# samples


def table(values: list[float], valid: list[int], dtype: str = "float32") -> FrameTable:
    return FrameTable(np.array(values, dtype)[:, None], np.array(valid, bool))


def test_gaps_take_the_nearest_row() -> None:
    one = table([9, 1, 9, 9, 9, 5, 9], [0, 1, 0, 0, 0, 1, 0])
    values, known = join_features([one], "nearest", "c")
    assert values[:, 0].tolist() == [1, 1, 1, 1, 5, 5, 5]
    assert known.all()


def test_a_feature_without_any_row_stays_unknown() -> None:
    values, known = join_features([table([1, 2], [1, 1], "float16"), table([7, 7], [0, 0])], "nearest", "c")
    assert known.tolist() == [[True, False], [True, False]]
    assert values.dtype == np.float32


def test_unknown_rows_and_padding_are_zero_after_standardisation() -> None:
    joined = [join_features([table([4, 6, 8], [1, 0, 1]), table([1, 1, 1], [1, 1, 1])], "zero", "c")]
    clips = pack(joined, 3, [1, 1])
    standard = Standard(torch.tensor([6.0, 0]), torch.tensor([2.0, 1]))
    frames, mask = clips.batch(cut([3], 2, 2), standard)
    assert frames.tolist() == [[[-1, 1], [0, 1]], [[1, 1], [0, 0]]]
    assert mask.tolist() == [[True, True], [True, False]]


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


ROWS = np.arange(12, dtype=np.float32).reshape(6, 2) / 20


@pytest.mark.parametrize("frames", [4, 6, 9])
def test_label_row_belongs_to_its_frame_number(frames: int) -> None:
    annotated = np.array([1, 1, 0, 1, 1, 1], bool)
    one = align_labels(ROWS, annotated, frames, ExtraRows(), "c")
    assert one.frames == frames
    assert one.extra == max(6 - frames, 0)
    assert one.rows.tolist() == [min(i, frames - 1) for i in range(max(6, frames))]
    assert one.annotated.tolist() == annotated.tolist() + [False] * (frames - 6)
    assert (one.labels[:6][annotated] == ROWS[annotated]).all()


def test_extra_rows_policy() -> None:
    marks = np.ones(6, bool)
    with pytest.raises(ValueError, match="clip9: 6 label rows for 2 frames, 4 too many"):
        align_labels(ROWS, marks, 2, ExtraRows(tolerance=3), "clip9")
    kept = align_labels(ROWS, marks, 2, ExtraRows(tolerance=3, policy="repeat_last"), "clip9")
    assert kept.rows.tolist() == [0, 1, 1, 1, 1, 1]
