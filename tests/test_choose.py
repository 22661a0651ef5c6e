"""What ensembles choose out of fold: members, weights, sizes, thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from abaw_pipeline.ensembles.apply import Choice, apply, given
from abaw_pipeline.ensembles.choose import OutOfFold, choose
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.strict import parse
from abaw_pipeline.tasks import TASKS

FRAMES, CLIPS = 200, 4


def settings(**raw: object) -> EnsembleSettings:
    return parse(EnsembleSettings, {"members": ["a", "b", "c"], **raw}, "config.yaml")


def start(chosen: EnsembleSettings, members: str = "abc") -> Choice:
    task = TASKS[chosen.task]
    return given(task, chosen, {column: list(members) for column in task.columns})


def out_of_fold(truth: np.ndarray, predictions: np.ndarray) -> OutOfFold:
    """Every frame annotated; ``truth`` ``(N, W)``, ``predictions`` ``(M, N, C)``."""
    parts, owners = np.split(predictions, CLIPS, axis=1), [np.arange(len(predictions))] * CLIPS
    return OutOfFold(parts, owners, np.arange(len(truth)), truth, np.ones(truth.shape, bool))


def noisy(rng: np.random.Generator, truth: np.ndarray, *noise: tuple[float, float]) -> np.ndarray:
    """A member per pair of deviations of noise, of valence and of arousal."""
    return np.stack([truth + rng.normal(size=truth.shape) * np.array(pair) for pair in noise])


@pytest.fixture
def va() -> tuple[np.ndarray, np.ndarray]:
    """Truth, and members of which a knows valence, b arousal, c nothing."""
    rng = np.random.default_rng(1)
    truth = rng.uniform(-1, 1, (FRAMES, 2))
    members = noisy(rng, truth, (0.1, 3.0), (3.0, 0.1), (3.0, 3.0))
    return truth, members


def test_greedy_selection_finds_the_good_member_of_each_column(va: tuple[np.ndarray, np.ndarray]) -> None:
    chosen, scores = choose(TASKS["va"], settings(method="greedy"), out_of_fold(*va), start(settings()))
    assert chosen.weights[:, 0].argmax() == 0 and chosen.weights[:, 1].argmax() == 1
    assert chosen.weights[2].max() < chosen.weights.max() and scores["members"] > 0.95


def test_greedy_selection_for_the_whole_task_gives_one_weight_per_member(va: tuple[np.ndarray, np.ndarray]) -> None:
    chosen, _ = choose(TASKS["va"], settings(method="greedy", by="task"), out_of_fold(*va), start(settings()))
    np.testing.assert_array_equal(chosen.weights[:, 0], chosen.weights[:, 1])


@pytest.mark.parametrize("method", ["greedy", "weighted"])
def test_a_search_never_scores_below_what_it_started_from(method: str, va: tuple[np.ndarray, np.ndarray]) -> None:
    data, best = out_of_fold(*va), Choice(("a", "b", "c"), np.eye(3)[:, :2], np.zeros(2), np.full(2, 0.5))
    _, mean = choose(TASKS["va"], settings(), data, start(settings()))
    _, found = choose(TASKS["va"], settings(method=method), data, start(settings()))
    _, single = choose(TASKS["va"], settings(), data, best)
    assert found["members"] >= (single if method == "greedy" else mean)["members"]


def test_a_member_that_a_column_does_not_take_is_never_chosen(va: tuple[np.ndarray, np.ndarray]) -> None:
    limited = given(TASKS["va"], settings(), {"valence": ["b", "c"], "arousal": ["a", "b", "c"]})
    for method in ("greedy", "weighted"):
        chosen, _ = choose(TASKS["va"], settings(method=method), out_of_fold(*_in_order(va, limited)), limited)
        assert chosen.weights[limited.members.index("a"), 0] == 0


def _in_order(va: tuple[np.ndarray, np.ndarray], choice: Choice) -> tuple[np.ndarray, np.ndarray]:
    return va[0], va[1][["abc".index(name) for name in choice.members]]


def test_smoothing_is_searched_column_by_column() -> None:
    rng = np.random.default_rng(2)
    slow = np.sin(np.linspace(0, 6, FRAMES))
    fast = rng.uniform(-1, 1, FRAMES)
    truth = np.stack([slow, fast], axis=1)
    predictions = np.stack([slow + rng.normal(0, 0.5, FRAMES), fast], axis=1)[None]
    one = settings(members=["a"], smooth={"name": "gaussian"})
    chosen, scores = choose(TASKS["va"], one, out_of_fold(truth, predictions), start(one, "a"))
    assert chosen.sizes[0] > 0 and chosen.sizes[1] == 0 and scores["smoothed"] > scores["members"]


def test_smoothing_never_crosses_the_end_of_a_clip() -> None:
    one = settings(members=["a"], smooth={"name": "box", "size": 5})
    first, second = np.zeros((1, 20, 2)), np.ones((1, 20, 2))
    done = [apply(part, np.zeros(1, int), start(one, "a"), one, TASKS["va"]) for part in (first, second)]
    assert (done[0] == 0).all() and (done[1] == 1).all()


def test_thresholds_are_searched_unit_by_unit() -> None:
    rng = np.random.default_rng(3)
    truth = (rng.uniform(size=(FRAMES, 12)) < 0.3).astype(float)
    predictions = (0.1 + 0.1 * truth + rng.uniform(0, 0.05, truth.shape))[None]  # present from about 0.2 on
    one = settings(members=["a"], task="au", thresholds="search")
    chosen, scores = choose(TASKS["au"], one, out_of_fold(truth, predictions), start(one, "a"))
    assert scores["members"] == 0 and scores["thresholds"] == 1
    done = apply(predictions, np.zeros(1, int), chosen, one, TASKS["au"])
    np.testing.assert_array_equal(done >= 0.5, truth == 1)


def test_the_mean_is_over_models_whoever_they_belong_to() -> None:
    predictions, owners = np.stack([np.zeros((3, 2)), np.zeros((3, 2)), np.ones((3, 2))]), np.array([0, 0, 1])
    one = settings(members=["a", "b"])
    np.testing.assert_allclose(apply(predictions, owners, start(one, "ab"), one, TASKS["va"]), 1 / 3)


def test_values_are_kept_within_their_bounds() -> None:
    one = settings(members=["a"])
    assert apply(np.full((1, 3, 2), 1.7), np.zeros(1, int), start(one, "a"), one, TASKS["va"]).max() == 1
