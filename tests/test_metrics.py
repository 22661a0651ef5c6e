"""Metrics against their definitions, scikit-learn and NumPy; and the score of each kind of task."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score, precision_score, recall_score

from abaw_pipeline.metrics import ccc, f1, macro_f1, mean_ccc, mean_f1, mean_pearson, mtl_sum, pearson
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.training.scores import MEASURES, score
from tests.losses import marks as some_marks
from tests.losses import truth as some_truth

Metric = Callable[[np.ndarray, np.ndarray], float]
EVERY = pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
SERIES = arrays(np.float64, st.integers(2, 40), elements=st.floats(-1, 1, width=32))


def test_formula_by_hand() -> None:
    # means 2 and 3, population variances 2/3 and 8/3, covariance 4/3: 2 * 4/3 / (2/3 + 8/3 + 1)
    assert ccc(np.array([1.0, 2, 3]), np.array([1.0, 3, 5])) == pytest.approx((8 / 3) / (13 / 3))


def test_agrees_with_pearson_form() -> None:
    rng = np.random.default_rng(0)
    truth, prediction = rng.normal(size=500), rng.normal(size=500)
    prediction += truth
    rho, s, t = np.corrcoef(truth, prediction)[0, 1], truth.std(), prediction.std()
    expected = 2 * rho * s * t / (s**2 + t**2 + (truth.mean() - prediction.mean()) ** 2)
    assert ccc(truth, prediction) == pytest.approx(expected, abs=1e-12)


@given(SERIES, st.data())
def test_bounds_and_symmetry(truth: np.ndarray, data: st.DataObject) -> None:
    prediction = data.draw(arrays(np.float64, len(truth), elements=st.floats(-1, 1, width=32)))
    value = ccc(truth, prediction)
    assert -1 - 1e-12 <= value <= 1 + 1e-12
    assert value == pytest.approx(ccc(prediction, truth), abs=1e-12)


def test_identity_opposite_and_shift() -> None:
    truth = np.sin(np.arange(50.0))
    truth -= truth.mean()
    assert ccc(truth, truth) == pytest.approx(1)
    assert ccc(truth, -truth) == pytest.approx(-1)
    assert ccc(truth, truth + 1) == pytest.approx(2 * truth.var() / (2 * truth.var() + 1))


@pytest.mark.parametrize("metric", [ccc, pearson])
@pytest.mark.parametrize("height", [0.0, 0.1])  # the mean of seven times 0.1 is not 0.1
@pytest.mark.parametrize("truth", [np.zeros(7), np.full(7, 0.1), np.arange(7.0), np.zeros(1)])
def test_a_constant_scores_zero(metric: Metric, truth: np.ndarray, height: float) -> None:
    constant = np.full(truth.shape, height)
    assert metric(truth, constant) == 0
    assert metric(constant, truth) == 0


@pytest.mark.parametrize(("metric", "name"), [(ccc, "CCC"), (pearson, "Pearson's correlation"), (f1, "F1")])
@pytest.mark.parametrize("bad", [np.array([0, np.nan, 1]), np.array([0, np.inf, 1]), np.zeros(2), np.zeros((3, 1))])
def test_refuses(metric: Metric, name: str, bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match=f"{name} needs"):
        metric(np.arange(3.0), bad)


@pytest.mark.parametrize("metric", [ccc, pearson])
def test_no_frames_is_an_error(metric: Metric) -> None:
    with pytest.raises(ValueError, match="needs two equally long series"):
        metric(np.zeros(0), np.zeros(0))


def test_mean_is_over_columns() -> None:
    truth = np.stack([np.arange(4.0), np.arange(4.0)], 1)
    mean, each = mean_ccc(truth, np.stack([np.arange(4.0), -np.arange(4.0) + 3], 1))
    assert each == pytest.approx([1, -1])
    assert mean == pytest.approx(0)


# Pearson


def test_pearson_is_that_of_numpy_and_blind_to_scale() -> None:
    truth, prediction = np.random.default_rng(0).normal(size=(2, 300))
    covariance = np.mean(truth * prediction) - truth.mean() * prediction.mean()
    assert pearson(truth, prediction) == pytest.approx(covariance / (truth.std() * prediction.std()), abs=1e-12)
    assert pearson(truth, prediction) == pytest.approx(np.corrcoef(truth, prediction)[0, 1], abs=1e-12)
    assert pearson(truth, 3 * truth - 1) == pytest.approx(1)
    assert pearson(truth, -truth) == pytest.approx(-1)


def test_mean_pearson_counts_a_constant_column() -> None:
    truth = np.random.default_rng(0).random((20, 2))
    mean, each = mean_pearson(truth, np.stack([truth[:, 0], np.full(20, 0.3)], 1))
    assert (mean, each) == (pytest.approx(0.5), [pytest.approx(1), 0])


# F1


def test_macro_f1_is_that_of_scikit_learn() -> None:
    truth, prediction = np.random.default_rng(0).integers(0, 8, (2, 400))
    mean, each = macro_f1(truth, prediction, 8)
    precision, recall = (one(truth, prediction, average=None) for one in (precision_score, recall_score))
    assert each == pytest.approx(2 * precision * recall / (precision + recall), abs=1e-12)
    assert mean == pytest.approx(f1_score(truth, prediction, average="macro"), abs=1e-12)


def test_an_absent_class_counts_with_zero() -> None:
    truth = np.array([0, 0, 1, 1])
    assert macro_f1(truth, truth, 4) == (0.5, [1, 1, 0, 0])
    # one of class 3 is said, nobody has it: class 0 finds one of two (precision 1, recall 1/2)
    assert macro_f1(truth, np.array([0, 3, 1, 1]), 4)[1] == pytest.approx([2 / 3, 1, 0, 0])


def test_a_constant_prediction_has_the_f1_of_its_class_alone() -> None:
    truth = np.array([0, 0, 0, 1, 2])
    mean, each = macro_f1(truth, np.zeros(5, int), 3)
    assert each == pytest.approx([2 * 0.6 / 1.6, 0, 0])
    assert mean == pytest.approx(0.25)


def test_f1_of_units_is_that_of_scikit_learn_at_one_half() -> None:
    rng = np.random.default_rng(0)
    truth, chances, marks = rng.integers(0, 2, (300, 3)), rng.random((300, 3)), rng.random((300, 3)) < 0.7
    mean, each = mean_f1(truth, chances, marks)
    kept = [(truth[rows, c], chances[rows, c] > 0.5) for c, rows in enumerate(marks.T)]
    assert each == pytest.approx([f1_score(*pair) for pair in kept], abs=1e-12)
    assert mean == pytest.approx(np.mean(each))


def test_a_unit_is_present_from_one_half_on() -> None:
    assert f1(np.array([1, 0]), np.array([0.5, 0.4999])) == 1


def test_units_that_never_are_present_or_marked_count_with_zero() -> None:
    truth = np.array([[1, 0, 1], [0, 0, 1]])
    marks = np.array([[True, True, False], [True, True, False]])
    assert mean_f1(truth, np.array([[0.9, 0.1, 0.9], [0.1, 0.1, 0.9]]), marks) == (pytest.approx(1 / 3), [1, 0, 0])


def test_multi_task_score_is_the_sum() -> None:
    assert mtl_sum(0.6806, 0.5090, 0.5524) == pytest.approx(1.742)  # Situ Tech's ABAW4 entry


# score


def _said(task: Task, truth: np.ndarray) -> np.ndarray:
    """A prediction that is right."""
    return np.eye(len(task.columns))[truth[:, 0].astype(int)] if task.kind == "class" else truth


@EVERY
def test_a_perfect_prediction_scores_one(task: Task) -> None:
    truth = some_truth(task, 200, np.random.default_rng(0))
    assert score(task, truth, _said(task, truth), np.ones(truth.shape, bool)) == (
        pytest.approx(1),
        pytest.approx([1] * len(task.columns)),
    )


@EVERY
def test_what_is_not_marked_never_matters(task: Task) -> None:
    rng = np.random.default_rng(0)
    truth, other, marks = some_truth(task, 200, rng), rng.random((200, len(task.columns))), some_marks(task, 200, rng)
    prediction = 0.3 * _said(task, truth) + 0.7 * other
    found = score(task, truth, prediction, marks)
    assert 0 < found[0] < 1 and found[0] == pytest.approx(np.mean(found[1]))
    lost = np.broadcast_to(~marks, prediction.shape)
    for junk in (task.missing, np.nan):
        assert score(task, np.where(marks, truth, junk), np.where(lost, 0.3, prediction), marks) == found


def test_scores_are_those_of_the_metrics() -> None:
    rng = np.random.default_rng(0)
    wanted = {"va": mean_ccc, "au": mean_f1, "eri": mean_pearson, "emi": mean_pearson}
    for name, metric in wanted.items():
        truth = some_truth(TASKS[name], 50, rng)
        prediction = rng.random(truth.shape)
        assert score(TASKS[name], truth, prediction, np.ones(truth.shape, bool)) == metric(truth, prediction)
    truth, prediction = some_truth(TASKS["ce"], 50, rng), rng.random((50, 7))
    found = score(TASKS["ce"], truth, prediction, np.ones(truth.shape, bool))
    assert found == macro_f1(truth[:, 0], prediction.argmax(1), 7)


@EVERY
def test_nothing_to_score_is_an_error(task: Task) -> None:
    truth, prediction = np.zeros((3, task.width)), np.zeros((3, len(task.columns)))
    with pytest.raises(ValueError, match=f"task '{task.name}': nothing annotated to score"):
        score(task, truth, prediction, np.zeros(truth.shape, bool))
    with pytest.raises(ValueError, match=f"task '{task.name}': predictions are not finite"):
        score(task, truth, prediction * np.nan, np.ones(truth.shape, bool))


def test_every_kind_of_task_has_a_name_for_its_score() -> None:
    assert {MEASURES[task.kind] for task in TASKS.values()} == {"CCC", "F1", "Pearson"}
