"""CCC against its definition, and its properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from abaw_pipeline.metrics import ccc, mean_ccc

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


@pytest.mark.parametrize("truth", [np.zeros(5), np.arange(5.0)])
def test_a_constant_prediction_scores_zero(truth: np.ndarray) -> None:
    assert ccc(truth, np.zeros(5)) == 0


@pytest.mark.parametrize("bad", [np.array([0, np.nan, 1]), np.array([0, np.inf, 1]), np.zeros(2), np.zeros((3, 1))])
def test_refuses(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="CCC needs"):
        ccc(np.arange(3.0), bad)


def test_no_frames_is_an_error() -> None:
    with pytest.raises(ValueError, match="CCC needs"):
        ccc(np.zeros(0), np.zeros(0))


def test_mean_is_over_columns() -> None:
    truth = np.stack([np.arange(4.0), np.arange(4.0)], 1)
    mean, each = mean_ccc(truth, np.stack([np.arange(4.0), -np.arange(4.0) + 3], 1))
    assert each == pytest.approx([1, -1])
    assert mean == pytest.approx(0)
