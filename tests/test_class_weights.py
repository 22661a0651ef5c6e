"""Weights of classes and units come from the annotated frames of the fold, and are always finite."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.utils.class_weight import compute_class_weight

from abaw_pipeline.training.losses.weights import class_weights, positive_weights
from tests.losses import labels

MARKS = arrays(bool, (30, 3))
UNITS = arrays(np.float32, (30, 3), elements=st.sampled_from([0.0, 1.0]))


def test_balanced_class_weights_are_those_of_scikit_learn() -> None:
    classes = np.random.default_rng(0).choice(4, 200, p=[0.6, 0.25, 0.1, 0.05])
    expected = compute_class_weight("balanced", classes=np.arange(4), y=classes)
    assert class_weights("balanced", 4, labels(classes[:, None])) == pytest.approx(expected, rel=1e-12)


def test_a_class_without_example_weighs_one() -> None:
    found = class_weights("balanced", 3, labels([[0], [0], [0], [2]]))
    assert found == pytest.approx([4 / 9, 1, 4 / 3])


def test_a_fold_without_a_mark_weighs_all_alike() -> None:
    nothing = labels([[0], [1]], [[False], [False]])
    assert class_weights("balanced", 3, nothing).tolist() == [1, 1, 1]
    assert positive_weights("balanced", nothing).tolist() == [1]


def test_positive_weights_are_absent_over_present() -> None:
    truth = [[1, 0, 1, 1], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 1, 0]]
    marks = [[True] * 4, [True] * 4, [True] * 4, [True, True, True, False]]
    assert positive_weights("balanced", labels(truth, marks)) == pytest.approx([3, 4, 1 / 4, 2])


def test_given_weights_are_taken_and_none_are_ones() -> None:
    some = labels([[0], [1]])
    assert class_weights([1.0, 2.5], 2, some).tolist() == [1, 2.5]
    assert class_weights(None, 2, some).tolist() == [1, 1]
    assert positive_weights([3.0], some).tolist() == [3]
    assert positive_weights(None, some).tolist() == [1]


@given(UNITS, UNITS, MARKS)
def test_labels_that_do_not_count_change_no_weight(truth: np.ndarray, other: np.ndarray, marks: np.ndarray) -> None:
    changed = np.where(marks, truth, other)
    changed[~marks & (other == 0)] = np.nan
    found = positive_weights("balanced", labels(truth, marks))
    assert np.isfinite(found).all() and (found > 0).all()
    assert (found == positive_weights("balanced", labels(changed, marks))).all()
    of_class = [class_weights("balanced", 3, labels(side[:, :1], marks[:, :1])) for side in (truth, changed)]
    assert (of_class[0] == of_class[1]).all() and np.isfinite(of_class[0]).all()
