"""Rows without a value, filled or left out, and frames without a label, left out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from abaw_pipeline.training.labelled import Labelled
from abaw_pipeline.training.model_store import TrainedModel
from abaw_pipeline.training.predict import Serving
from abaw_pipeline.training.resident import Standard
from abaw_pipeline.training.samples import join_features, kept_frames, nearest
from abaw_pipeline.training.sources import FeatureNote
from abaw_pipeline.types import FrameTable
from tests.probes import RowNumber
from tests.sides import aligned, settings, side, table

torch.set_num_threads(1)

GAPS = ("nearest", "linear", "zero", "drop")

some_valid = arrays.arrays(bool, st.integers(1, 20)).filter(np.any)


def filled(gap: str, values: list[float], valid: list[int], dtype: str = "float32") -> list[float]:
    joined, known = join_features([table(values, valid, dtype)], gap, "c")
    assert known.all() and joined.dtype == dtype
    return joined[:, 0].tolist()


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_the_nearest_row_fills_a_gap_and_of_two_the_earlier(dtype: str) -> None:
    got = filled("nearest", [9, 1, 9, 9, 9, 5, 9], [0, 1, 0, 0, 0, 1, 0], dtype)
    assert got == [1, 1, 1, 1, 5, 5, 5]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_straight_line_fills_a_gap_and_the_ends_stay_level(dtype: str) -> None:
    got = filled("linear", [9, 1, 9, 9, 9, 5, 9, 9], [0, 1, 0, 0, 0, 1, 0, 0], dtype)
    assert got == [1, 1, 2, 3, 4, 5, 5, 5]


def test_float16_is_mixed_without_overflow() -> None:
    assert filled("linear", [65504, 0, 65504], [1, 0, 1], "float16") == [65504] * 3
    assert filled("linear", [65504, 0, -65504], [1, 0, 1], "float16") == [65504, 0, -65504]


@given(some_valid)
def test_nearest_rows_equal_a_search_of_all(valid: np.ndarray) -> None:
    there = np.flatnonzero(valid)
    expected = [there[np.argmin(np.abs(there - row))] for row in range(len(valid))]  # argmin takes the first
    assert nearest(valid).tolist() == expected


@given(some_valid)
def test_linear_equals_numpys_interpolation(valid: np.ndarray) -> None:
    values = np.random.default_rng(len(valid)).normal(size=(len(valid), 2)).astype(np.float32)
    joined, _ = join_features([FrameTable(values, valid)], "linear", "c")
    rows, there = np.arange(len(valid)), np.flatnonzero(valid)
    for column in (0, 1):
        expected = np.interp(rows, there, values[there, column])
        assert joined[:, column] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("gap", GAPS)
def test_a_feature_without_any_row_stays_unknown(gap: str) -> None:
    tables = [table([1, 2], [1, 1], "float16"), table([7, 7], [0, 0])]
    values, known = join_features(tables, gap, "c")
    assert known.tolist() == [[True, False], [True, False]]
    assert values.dtype == np.float32
    assert kept_frames(known, gap).all()


@pytest.mark.parametrize("gap", ["zero", "drop"])
def test_zero_and_drop_fill_nothing(gap: str) -> None:
    _, known = join_features([table([1, 2, 3], [1, 0, 1]), table([1, 2, 3], [1, 1, 0])], gap, "c")
    assert known.tolist() == [[True, True], [False, True], [True, False]]


def test_each_feature_has_gaps_of_its_own() -> None:
    tables = [table([1, 0, 3], [1, 0, 1]), table([0, 4, 0], [0, 1, 0])]
    assert join_features(tables, "linear", "c")[0].tolist() == [[1, 4], [2, 4], [3, 4]]


@pytest.mark.parametrize(
    ("known", "kept"),
    [
        ([[1, 1], [0, 1], [1, 0], [1, 1]], [1, 0, 0, 1]),
        ([[1, 0], [0, 0], [1, 0]], [1, 0, 1]),  # the second is nowhere, and can be missed nowhere
        ([[1, 0], [0, 1]], [1, 1]),  # no frame has both
        ([[0, 0], [0, 0]], [1, 1]),
    ],
)
def test_drop_leaves_out_frames_that_lack_what_the_clip_has_elsewhere(known: Any, kept: list[int]) -> None:
    table_of_marks = np.array(known, bool)
    assert kept_frames(table_of_marks, "drop").tolist() == [bool(one) for one in kept]
    for gap in ("nearest", "linear", "zero"):
        assert kept_frames(table_of_marks, gap).all()


# what leaves a side

VALENCE = [[step / 10, 0] for step in range(6)]


def dropped(training: bool, **changes: Any) -> Labelled:
    """Two clips whose frames 0, 3 and 5 have no value, the first with a label row more than frames."""
    faces = table(range(6), [0, 1, 1, 0, 1, 0])
    clips = {"a": (aligned(6, va=[*VALENCE, [0.6, 0]]), [faces]), "b": (aligned(6, va=VALENCE), [faces])}
    return side(clips, settings("va", gap="drop", **changes), training)


def test_dropped_frames_leave_a_training_with_their_labels() -> None:
    made = dropped(training=True)
    assert made.clips.lengths == [3, 3]
    assert made.clips.values[:, 0].tolist() == [1, 2, 4] * 2
    labels = made.tasks["va"]
    assert labels.rows.tolist() == list(range(6))
    assert labels.values[:, 0] == pytest.approx([0.1, 0.2, 0.4] * 2)
    assert labels.marks.all()


def test_every_label_of_a_validation_clip_counts_once_against_the_nearest_frame() -> None:
    made = dropped(training=False)
    assert made.clips.values[:, 0].tolist() == [1, 2, 4] * 2
    labels = made.tasks["va"]
    assert labels.rows.tolist() == [0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5]
    assert labels.values[:, 0] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0, 0.1, 0.2, 0.3, 0.4, 0.5])


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        ("drop", [1, 1, 2, 2, 4, 4]),
        ("nearest", [1, 1, 2, 2, 4, 4]),
        ("linear", [1, 1, 2, 3, 4, 4]),
        ("zero", [0, 1, 2, 0, 4, 0]),
    ],
)
def test_a_prediction_for_every_frame_whatever_is_dropped(gap: str, expected: list[int]) -> None:
    """The network repeats its input: a dropped frame takes the prediction of the nearest that stayed."""
    card = SimpleNamespace(
        settings=settings("va", gap=gap, segment=2, stride=1), features=[FeatureNote("a", "key", 1, "visual", False)]
    )
    network: Any = RowNumber()
    model = TrainedModel(card, [Serving(network)], Standard(torch.zeros(1), torch.ones(1)))  # type: ignore[arg-type]
    assert model.predict({"a": table(range(6), [0, 1, 1, 0, 1, 0])})["va"][:, 0].tolist() == expected


# frames that nobody annotated

UNKNOWN = [-5, -5]


def unlabelled(training: bool = True, **changes: Any) -> Labelled:
    """Six frames: valence has labels of 1 and 2, one unit of action has some of 4; and a clip without any label."""
    units = [[-1] * 12 for _ in range(6)]
    units[4][7] = 1
    faces = table(range(6), [1] * 6)
    clips = {
        "a": (aligned(6, va=[UNKNOWN, [0.1, 0.1], [0.2, 0.2], UNKNOWN], au=units), [faces]),
        "b": (aligned(2, va=[UNKNOWN, UNKNOWN]), [table([8, 9], [1, 1])]),
    }
    return side(clips, settings("va", "au", **changes), training)


def test_frames_without_a_label_of_any_task_leave_a_training() -> None:
    made = unlabelled(unlabelled="drop")
    assert made.clips.values[:, 0].tolist() == [1, 2, 4, 8, 9], "a clip without any label keeps its frames"
    assert made.tasks["va"].annotated.tolist() == [True, True, False, False, False]
    assert made.tasks["au"].annotated.tolist() == [False, False, True, False, False]
    assert made.tasks["au"].marks.sum() == 1 and made.tasks["au"].marks[2, 7]


@pytest.mark.parametrize(("training", "changes"), [(True, {}), (False, {"unlabelled": "drop"})])
def test_they_stay_where_that_is_wished_and_in_validation(training: bool, changes: dict[str, Any]) -> None:
    made = unlabelled(training, **changes)
    assert made.clips.lengths == [6, 2]
    assert np.flatnonzero(made.tasks["va"].annotated).tolist() == [1, 2]
    assert np.flatnonzero(made.tasks["au"].annotated).tolist() == [4]
