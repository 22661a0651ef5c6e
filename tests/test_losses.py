"""Every loss against its formula written out, and what holds for all of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from abaw_pipeline.metrics import ccc
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.training.losses.extra import extra_outputs
from abaw_pipeline.training.losses.r_drop import divergence
from abaw_pipeline.training.losses.settings import FITTING, check_loss, usual_loss
from abaw_pipeline.training.registry import LOSSES
from abaw_pipeline.training.settings import ExperimentSettings
from tests.losses import AU, CASES, ERI, EXPR, OWN, VA, labels, loss, marks, scores, settings_of, truth

torch.set_num_threads(1)

ALL = pytest.mark.parametrize(
    ("raw", "task"), [pytest.param(*case, id=f"{case[0]['name']}-{case[1].name}-{n}") for n, case in enumerate(CASES)]
)
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def batch(raw: Mapping[str, Any] | str, task: Task, n: int = 12, seed: int = 0) -> Arrays:
    """Scores, truth and marks of n frames."""
    rng = np.random.default_rng(seed)
    return scores(raw, task, n, rng), truth(task, n, rng), marks(task, n, rng)


def value(module: torch.nn.Module, arrays: Arrays) -> float:
    return float(module(*map(torch.from_numpy, arrays)))


def slope(module: torch.nn.Module, arrays: Arrays) -> torch.Tensor:
    """Gradient with respect to the scores."""
    given_scores, *rest = (torch.from_numpy(array) for array in arrays)
    module(given_scores.requires_grad_(), *rest).backward()
    assert given_scores.grad is not None
    return given_scores.grad


def softmax(x: np.ndarray) -> np.ndarray:
    shifted = np.exp(x - x.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def mean_of_columns(each: np.ndarray, counted: np.ndarray) -> np.ndarray:
    return np.array([each[rows, c].mean() for c, rows in enumerate(counted.T)])


# closed forms


@pytest.mark.parametrize("weights", [None, [1.0, 3.0]])
def test_ccc_is_one_minus_the_metric(weights: list[float] | None) -> None:
    guess, wanted, _ = batch("ccc", VA, 50)
    counted = np.random.default_rng(5).random((50, 2)) < 0.5
    each = [1 - ccc(wanted[rows, c], guess[rows, c]) for c, rows in enumerate(counted.T)]
    found = value(loss({"name": "ccc", "column_weights": weights}, VA), (guess, wanted, counted))
    assert found == pytest.approx(np.dot(weights or [1, 1], each), abs=1e-7)


@pytest.mark.parametrize("weights", [None, [1.0, 3.0]])
def test_mse(weights: list[float] | None) -> None:
    guess, wanted, counted = batch("mse", VA, 30)
    each = mean_of_columns((guess - wanted) ** 2, counted)
    found = value(loss({"name": "mse", "column_weights": weights}, VA), (guess, wanted, counted))
    assert found == pytest.approx(np.dot(weights or [1, 1], each) / 2, rel=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, [1 + c / 2 for c in range(8)]])
def test_cross_entropy(weights: list[float] | None, smoothing: float) -> None:
    raw = {"name": "cross_entropy", "class_weights": weights, "label_smoothing": smoothing}
    guess, wanted, counted = batch(raw, EXPR, 30)
    target = np.eye(8)[wanted[:, 0].astype(int)]
    w = np.array(weights or [1] * 8)
    each = -(w * ((1 - smoothing) * target + smoothing / 8) * np.log(softmax(guess))).sum(1)
    rows = counted[:, 0]
    expected = each[rows].sum() / (target @ w)[rows].sum()
    assert value(loss(raw, EXPR), (guess, wanted, counted)) == pytest.approx(expected, rel=1e-10)


def test_balanced_cross_entropy_gives_every_class_of_the_fold_the_same_share() -> None:
    guess = np.zeros((8, 8))
    wanted = np.array([0, 0, 0, 0, 0, 1, 1, 2.0])[:, None]
    module = loss({"name": "cross_entropy", "class_weights": "balanced"}, EXPR, labels(wanted))
    found = slope(module, (guess, wanted, np.ones((8, 1), bool)))
    pull = [-float(found[wanted[:, 0] == c, c].sum()) for c in range(3)]
    assert pull == pytest.approx([7 / 8 / 3] * 3, rel=1e-6)


def test_bce_with_both_sorts_of_weights() -> None:
    positive, columns = [1 + c / 4 for c in range(12)], [4 - c / 4 for c in range(12)]
    raw = {"name": "bce", "positive_weights": positive, "column_weights": columns}
    guess, wanted, counted = batch(raw, AU, 30)
    p = sigmoid(guess)
    each = -(np.array(positive) * wanted * np.log(p) + (1 - wanted) * np.log(1 - p))
    expected = (mean_of_columns(each, counted) * columns).mean()
    assert value(loss(raw, AU), (guess, wanted, counted)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("alpha", "gamma"), [(0.75, 2.0), (None, 0.5), (1.0, 5.0)])
def test_focal_of_labels(alpha: float | None, gamma: float) -> None:
    raw = {"name": "focal", "alpha": alpha, "gamma": gamma}
    guess, wanted, counted = batch(raw, AU, 30)
    p = np.where(wanted == 1, sigmoid(guess), 1 - sigmoid(guess))
    weight = 1.0 if alpha is None else np.where(wanted == 1, alpha, 1 - alpha)
    expected = mean_of_columns(-weight * (1 - p) ** gamma * np.log(p), counted).mean()
    assert value(loss(raw, AU), (guess, wanted, counted)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(("alpha", "gamma"), [(0.75, 2.0), (None, 0.5)])
def test_focal_of_classes(alpha: float | None, gamma: float, smoothing: float) -> None:
    raw = {"name": "focal", "alpha": alpha, "gamma": gamma, "label_smoothing": smoothing}
    guess, wanted, counted = batch(raw, EXPR, 30)
    p = softmax(guess)
    target = (1 - smoothing) * np.eye(8)[wanted[:, 0].astype(int)] + smoothing / 8
    each = -(alpha or 1) * (target * (1 - p) ** gamma * np.log(p)).sum(1)
    expected = each[counted[:, 0]].mean()
    assert value(loss(raw, EXPR), (guess, wanted, counted)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("task", "plain", "share"), [(AU, "bce", 0.5), (EXPR, "cross_entropy", 0.5), (EXPR, "cross_entropy", 1.0)]
)
def test_focal_of_gamma_zero_is_cross_entropy_times_alpha(task: Task, plain: str, share: float) -> None:
    arrays = batch(plain, task)
    found = value(loss({"name": "focal", "alpha": share, "gamma": 0.0}, task), arrays)
    assert found == pytest.approx(share * value(loss(plain, task), arrays), rel=1e-10)


@pytest.mark.parametrize("several", [False, True])
def test_mse_class(several: bool) -> None:
    raw = {"name": "mse_class", "mse": 2.0, "ce": 0.3, "several": several}
    guess, wanted, counted = batch(raw, ERI, 30)
    highest = wanted == wanted.max(1, keepdims=True)
    assert (highest.sum(1) > 1).any(), "ties are among the cases"
    target = highest / highest.sum(1, keepdims=True) if several else np.eye(7)[wanted.argmax(1)]
    rows = counted[:, 0]
    entropy = -(target * np.log(softmax(guess[:, 7:]))).sum(1)[rows].mean()
    expected = 2 * ((guess[:, :7] - wanted) ** 2)[rows].mean() + 0.3 * entropy
    assert value(loss(raw, ERI), (guess, wanted, counted)) == pytest.approx(expected, rel=1e-10)


# what holds for all


def test_the_cases_name_every_loss_and_every_kind_of_task_it_fits() -> None:
    named = {(raw["name"], task.kind) for raw, task in CASES} | {("mse", "intensities")}
    assert named == {(name, kind) for kind, names in FITTING.items() for name in names}
    assert {name for name, _ in named} == LOSSES.keys()


@ALL
def test_the_gradient_is_that_of_the_loss(raw: Mapping[str, Any], task: Task) -> None:
    guess, wanted, counted = map(torch.from_numpy, batch(raw, task, 6))
    module = loss(raw, task, labels(wanted, counted))
    assert torch.autograd.gradcheck(lambda x: module(x, wanted, counted), guess.requires_grad_())


@ALL
@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), n=st.integers(0, 9), junk=st.sampled_from([-1.0, 7.0, 1e6, float("nan")]))
def test_what_is_not_marked_never_matters(raw: Mapping[str, Any], task: Task, seed: int, n: int, junk: float) -> None:
    guess, wanted, counted = batch(raw, task, n, seed)
    module = loss(raw, task, labels(wanted, counted))
    changed = np.where(counted, wanted, junk)
    assert value(module, (guess, wanted, counted)) == value(module, (guess, changed, counted))
    found = slope(module, (guess, changed, counted))
    assert torch.equal(found, slope(module, (guess, wanted, counted)))
    wide = counted if counted.shape == guess.shape else np.broadcast_to(counted[:, :1], guess.shape)
    assert (found.numpy()[~wide] == 0).all()
    moved = np.where(wide, guess, junk)
    assert value(module, (moved, wanted, counted)) == value(module, (guess, wanted, counted))


@ALL
def test_the_order_of_frames_does_not_matter(raw: Mapping[str, Any], task: Task) -> None:
    arrays = batch(raw, task, 20)
    order = np.random.default_rng(1).permutation(20)
    module = loss(raw, task, labels(*arrays[1:]))
    scores_, truth_, marks_ = (array[order] for array in arrays)
    assert value(module, (scores_, truth_, marks_)) == pytest.approx(value(module, arrays), rel=1e-10)


@ALL
@pytest.mark.parametrize("height", [0.0, 0.3, 200.0, -200.0])
def test_constants_and_empty_batches_stay_finite(raw: Mapping[str, Any], task: Task, height: float) -> None:
    """In float32, as trainings run: one frame, equal frames, sure predictions."""
    module = loss(raw, task).float()
    for n, counts in ((0, True), (1, True), (4, True), (4, False)):
        guess, wanted, _ = batch(raw, task, n)
        guess = np.full(guess.shape, height)
        guess[:, :1] = -height
        if task.kind not in ("class", "labels"):
            wanted = np.full(wanted.shape, min(abs(height), 1.0))
        arrays = (guess.astype(np.float32), wanted.astype(np.float32), np.full(wanted.shape, counts))
        found = value(module, arrays)
        assert np.isfinite(found) and torch.isfinite(slope(module, arrays)).all()
        assert found == 0 or (n and counts)


@pytest.mark.parametrize(("name", "task"), [("ccc", VA), ("mse", VA), ("bce", AU), ("focal", AU)])
def test_a_column_without_a_mark_adds_nothing(name: str, task: Task) -> None:
    guess, wanted, _ = batch(name, task)
    whole = np.ones(wanted.shape, bool)
    module = loss(name, task)
    parts = [value(module, (guess, wanted, whole & (np.arange(task.width) == c))) for c in range(task.width)]
    assert sum(parts) == pytest.approx(value(module, (guess, wanted, whole)), rel=1e-10)


@pytest.mark.parametrize("task", [VA, ERI])
def test_a_perfect_prediction_costs_nothing(task: Task) -> None:
    _, wanted, counted = batch("ccc", task, 30)
    for name in ("ccc", "mse"):
        assert value(loss(name, task), (wanted, wanted, counted)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("name", "task"), [("cross_entropy", EXPR), ("focal", EXPR), ("bce", AU), ("focal", AU)])
def test_losses_of_logits_vanish_where_the_network_is_sure_and_right(name: str, task: Task) -> None:
    _, wanted, counted = batch(name, task)
    right = np.eye(8)[wanted[:, 0].astype(int)] if task.kind == "class" else wanted
    assert value(loss(name, task), (80 * right - 40, wanted, counted)) == pytest.approx(0, abs=1e-12)


def test_weights_of_a_loss_are_state_that_moves_with_it() -> None:
    module = loss({"name": "cross_entropy", "class_weights": "balanced"}, EXPR)
    assert {name for name, _ in module.named_buffers()} == {"weights"} and not list(module.parameters())


# R-Drop


def kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return p * np.log(p / q)


@pytest.mark.parametrize("task", [VA, EXPR, AU, ERI], ids=lambda task: task.name)
def test_divergence(task: Task) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 9, len(task.columns)))
    if task.kind == "class":
        p, q = softmax(a), softmax(b)
        expected = ((kl(p, q) + kl(q, p)).sum(1) / 2).mean()
    elif task.kind == "labels":
        p, q = sigmoid(a), sigmoid(b)
        expected = ((kl(p, q) + kl(q, p) + kl(1 - p, 1 - q) + kl(1 - q, 1 - p)) / 2).mean()
    else:
        expected = ((a - b) ** 2).mean()
    first, second = torch.from_numpy(a), torch.from_numpy(b)
    assert divergence(task, first, second).item() == pytest.approx(expected, rel=1e-10)
    assert divergence(task, first, first).item() == 0
    assert divergence(task, second, first).item() == pytest.approx(expected, rel=1e-10)
    assert divergence(task, first[:0], second[:0]).item() == 0
    extra = torch.ones(9, 2)
    assert divergence(task, torch.hstack([first, extra]), torch.hstack([second, -extra])).item() == pytest.approx(
        expected, rel=1e-10
    )
    assert torch.autograd.gradcheck(
        lambda x, y: divergence(task, x, y), (first.requires_grad_(), second.requires_grad_())
    )


def test_divergence_of_classes_is_that_of_torch() -> None:
    a, b = torch.randn(2, 9, 8, dtype=torch.float64).log_softmax(-1)
    both = [functional.kl_div(x, y, log_target=True, reduction="batchmean") for x, y in ((a, b), (b, a))]
    assert divergence(EXPR, a, b).item() == pytest.approx(sum(both).item() / 2, rel=1e-10)


# settings


@pytest.mark.parametrize(
    ("raw", "task", "message"),
    [
        ("bce", "va", r"loss 'bce' cannot train task 'va' \(values\); choose one of: ccc, mse"),
        ("ccc", "expr", r"loss 'ccc' cannot train task 'expr' \(class\); choose one of: cross_entropy, focal"),
        ("mse_class", "au", r"loss 'mse_class' cannot train task 'au' \(labels\); choose one of: bce, focal"),
        (
            {"name": "cross_entropy", "class_weights": [1.0, 2.0]},
            "expr",
            "loss 'cross_entropy' of task 'expr': class_weights are 2 numbers, not one for each of 8 columns",
        ),
        ({"name": "bce", "positive_weights": [1.0]}, "au", "positive_weights are 1 numbers, not .* 12 columns"),
        ({"name": "bce", "column_weights": [1.0]}, "au", "column_weights are 1 numbers, not .* 12 columns"),
        ({"name": "mse", "column_weights": [1.0]}, "va", "column_weights are 1 numbers, not .* 2 columns"),
        ({"name": "focal", "label_smoothing": 0.1}, "au", "label_smoothing is for classes alone; leave it out"),
    ],
)
def test_a_loss_that_does_not_fit_is_refused(raw: Mapping[str, Any] | str, task: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_loss(settings_of(raw), TASKS[task])
    experiment = {"task": task, "features": ["a"], "encoder": {"name": "gru", "hidden": 4}, "loss": raw}
    with pytest.raises(ValueError, match=message):
        ExperimentSettings.model_validate(experiment)


@pytest.mark.parametrize("task", [*TASKS.values(), OWN], ids=lambda task: task.name)
def test_the_usual_loss_of_every_task_fits(task: Task) -> None:
    check_loss(usual_loss(task), task)


def test_only_the_class_head_wants_extra_outputs() -> None:
    wanted = {(raw["name"], task.name): extra_outputs(settings_of(raw), task) for raw, task in CASES}
    assert {name: extra for name, extra in wanted.items() if extra} == {("mse_class", "eri"): 7}


def test_settings_of_losses_import_no_torch() -> None:
    code = "import sys; import abaw_pipeline.training.losses.extra; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
