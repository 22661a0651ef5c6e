"""Fusion, smoothing and thresholds of ensembles on their own: known answers and properties."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from abaw_pipeline.ensembles.combine import median, vote, weighted_mean
from abaw_pipeline.ensembles.members import stacked
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.ensembles.smooth import smooth
from abaw_pipeline.ensembles.thresholds import centred
from abaw_pipeline.strict import parse

RNG = np.random.default_rng(0)


def test_equal_weights_are_the_mean_and_a_single_weight_is_that_member() -> None:
    predictions = RNG.normal(size=(3, 5, 2))
    np.testing.assert_allclose(weighted_mean(predictions, np.ones((3, 2))), predictions.mean(axis=0))
    np.testing.assert_allclose(weighted_mean(predictions, np.eye(3)[:, [2, 0]])[:, 0], predictions[2, :, 0])
    np.testing.assert_allclose(weighted_mean(predictions, np.eye(3)[:, [2, 0]])[:, 1], predictions[0, :, 1])


def test_a_column_without_a_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="no member that predicted it has a weight"):
        weighted_mean(np.zeros((2, 4, 2)), np.array([[1.0, 0.0], [1.0, 0.0]]))


def test_members_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="different shapes"):
        stacked([np.zeros((3, 2)), np.zeros((4, 2))])


def test_one_wild_member_does_not_move_the_median() -> None:
    predictions = np.stack([np.full((4, 2), 0.2), np.full((4, 2), 0.3), np.full((4, 2), 99.0)])
    np.testing.assert_allclose(median(predictions), 0.3)


def test_the_class_with_most_votes_wins_whatever_the_probabilities() -> None:
    sure, unsure = [0.0, 1.0, 0.0], [0.4, 0.35, 0.25]
    assert vote(np.array([[unsure], [unsure], [sure]]), "class").argmax() == 0


def test_a_tie_of_classes_goes_to_the_larger_mean_probability() -> None:
    first, second = [0.9, 0.1, 0.0], [0.3, 0.7, 0.0]
    assert vote(np.array([[first], [second]]), "class").argmax() == 0
    assert vote(np.array([[second], [first]]), "class").argmax() == 0
    np.testing.assert_allclose(vote(np.array([[first], [second]]), "class").sum(), 1)


@pytest.mark.parametrize(("votes", "at_least", "present"), [(2, 2, True), (1, 2, False), (3, 4, False), (4, 4, True)])
def test_units_need_so_many_votes(votes: int, at_least: int, present: bool) -> None:
    said = np.array([[[0.9 if member < votes else 0.4]] for member in range(4)])
    assert bool(vote(said, "labels", at_least)[0, 0] >= 0.5) is present


@pytest.mark.parametrize(("other", "present"), [(0.45, True), (0.05, False)])
def test_a_tie_of_units_goes_by_the_mean_probability(other: float, present: bool) -> None:
    assert bool(vote(np.array([[[0.6]], [[other]]]), "labels")[0, 0] >= 0.5) is present


def test_values_are_not_voted_on() -> None:
    with pytest.raises(ValueError, match="only classes and units are voted on"):
        vote(np.zeros((2, 3, 2)), "values")


@pytest.mark.parametrize("name", ["gaussian", "box", "median", "exponential"])
def test_smoothing_keeps_constants_lengths_and_columns_of_size_0(name: str) -> None:
    values = np.stack([np.full(7, 0.3), RNG.normal(size=7)], axis=1)
    done = smooth(values, name, np.array([3.0, 0.0]))
    np.testing.assert_allclose(done[:, 0], 0.3)
    np.testing.assert_array_equal(done[:, 1], values[:, 1])
    assert smooth(values[:1], name, np.array([9.0, 9.0])).shape == (1, 2)


@pytest.mark.parametrize("name", ["gaussian", "box", "exponential"])
def test_linear_smoothing_keeps_the_sum_of_probabilities(name: str) -> None:
    probabilities = RNG.dirichlet(np.ones(8), size=30)
    np.testing.assert_allclose(smooth(probabilities, name, np.full(8, 4.0)).sum(axis=1), 1)


def test_known_answers_of_smoothing() -> None:
    step = np.array([[0.0], [0.0], [3.0], [0.0], [0.0]])
    np.testing.assert_allclose(smooth(step, "box", np.array([1.0]))[:, 0], [0, 1, 1, 1, 0])
    np.testing.assert_allclose(smooth(step, "median", np.array([1.0]))[:, 0], 0)
    np.testing.assert_allclose(smooth(step, "exponential", np.array([1.0]))[:, 0], [0, 0, 1.5, 0.75, 0.375])
    wanted = gaussian_filter1d(step[:, 0], 1.5, mode="nearest")
    np.testing.assert_allclose(smooth(step, "gaussian", np.array([1.5]))[:, 0], wanted)


def test_exponential_smoothing_looks_back_alone() -> None:
    values = RNG.normal(size=(20, 1))
    changed = values.copy()
    changed[10:] += 5
    size = np.array([4.0])
    np.testing.assert_array_equal(smooth(values, "exponential", size)[:10], smooth(changed, "exponential", size)[:10])


def test_a_threshold_comes_to_one_half_and_the_order_stays() -> None:
    probabilities = np.linspace(0, 1, 101)[:, None]
    bent = centred(probabilities, np.array([0.2]))
    np.testing.assert_array_equal(bent >= 0.5, probabilities >= 0.2)
    assert (np.diff(bent[:, 0]) > 0).all() and bent[0, 0] == 0 and bent[-1, 0] == 1


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"method": "vote"}, "only classes and units are voted on, 'va' has values"),
        ({"task": "expr", "columns": {"Anger": ["a"]}}, "classes are decided together"),
        ({"columns": {"valance": ["a"]}}, "columns: 'va' has no column 'valance'; did you mean 'valence'"),
        ({"thresholds": "search"}, "thresholds: 'va' has no units"),
        ({"task": "au", "thresholds": {"AU3": 0.5}}, "thresholds: 'au' has no column 'AU3'"),
        ({"weights": {"a": 1.0}}, "weights: they go with method 'weighted'"),
        ({"task": "emi", "smooth": {"name": "box"}}, "smooth: 'emi' has one value per clip"),
        ({"at_least": 2}, "at_least: it goes with method 'vote' on units"),
        ({"task": "expr", "smooth": {"name": "box", "size": {"Anger": 2}}}, "classes are smoothed alike"),
    ],
)
def test_settings_that_mean_nothing_are_refused(raw: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(EnsembleSettings, {"members": ["a"], **raw}, "config.yaml", ("ensembles", "x"))
