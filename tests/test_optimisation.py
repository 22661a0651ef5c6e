"""Optimisers, learning-rate schedules and averaged weights, against closed forms and torch's own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from torch import nn
from torch.optim import lr_scheduler

from abaw_pipeline.training.optimisation.ema import Average
from abaw_pipeline.training.optimisation.optimisers import build_optimiser, set_rate
from abaw_pipeline.training.optimisation.schedules import factor
from abaw_pipeline.training.optimisation.settings import OptimiserSettings, ScheduleSettings

STEPS, EPOCHS = 10, 12
SETTINGS: TypeAdapter[Any] = TypeAdapter(ScheduleSettings)


def rates(name: str, **settings: Any) -> np.ndarray:
    """The factor before every step, and after the last one."""
    schedule = SETTINGS.validate_python({"name": name, **settings})
    return np.array([factor(schedule, step / STEPS, EPOCHS) for step in range(EPOCHS * STEPS + 1)])


def of_torch(make: Any) -> np.ndarray:
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], 1.0)
    schedule, found = make(optimiser), [1.0]
    for _ in range(EPOCHS * STEPS):
        optimiser.step()
        schedule.step()
        found.append(optimiser.param_groups[0]["lr"])
    return np.array(found)


TIME = np.arange(EPOCHS * STEPS + 1) / STEPS


def test_constant_and_linear() -> None:
    assert (rates("constant") == 1).all()
    np.testing.assert_allclose(rates("linear"), 1 - TIME / EPOCHS, atol=1e-12)
    np.testing.assert_allclose(rates("linear", floor=0.25), 1 - 0.75 * TIME / EPOCHS, atol=1e-12)


@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_cosine(floor: float) -> None:
    whole = EPOCHS * STEPS
    other = of_torch(lambda optimiser: lr_scheduler.CosineAnnealingLR(optimiser, whole, eta_min=floor))
    np.testing.assert_allclose(rates("cosine", floor=floor), other, atol=1e-12)


@pytest.mark.parametrize(("first", "grow"), [(1.0, 2), (4.0, 1), (0.3, 1), (0.1, 3)])
def test_warm_restarts(first: float, grow: int) -> None:
    length = round(first * STEPS)
    other = of_torch(lambda optimiser: lr_scheduler.CosineAnnealingWarmRestarts(optimiser, length, grow, eta_min=0.1))
    found = rates("cosine_restarts", first=first, factor=grow, floor=0.1)
    np.testing.assert_allclose(found, other, atol=1e-12)
    starts = np.flatnonzero(found == 1)
    assert starts[1] == length and (np.diff(starts) == length * grow ** np.arange(len(starts) - 1)).all()


def test_warm_restarts_with_a_tenth_at_the_end() -> None:
    plain = rates("cosine_restarts", first=2, floor=0.1)
    late = rates("cosine_restarts", first=2, floor=0.1, decay_after=8)
    np.testing.assert_allclose(late, np.where(TIME >= 8, 0.1, 1) * plain, atol=1e-12)


def test_step() -> None:
    other = of_torch(lambda optimiser: lr_scheduler.StepLR(optimiser, 5 * STEPS, 0.3))
    np.testing.assert_allclose(rates("step", every=5, factor=0.3), other, atol=1e-12)


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_plateau(patience: int) -> None:
    scores = np.random.default_rng(patience).normal(size=40).round(1).tolist()
    settings = SETTINGS.validate_python({"name": "plateau", "factor": 0.5, "patience": patience})
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], 1.0)
    plateau = lr_scheduler.ReduceLROnPlateau(optimiser, "max", 0.5, patience, threshold=0, min_lr=0, eps=0)
    for epoch, score in enumerate(scores, 1):
        plateau.step(score)
        expected = optimiser.param_groups[0]["lr"]
        assert factor(settings, epoch, 40, scores[:epoch]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["constant", "linear", "cosine", "cosine_restarts", "step", "plateau"])
def test_warm_up_rises_to_where_the_schedule_begins(name: str) -> None:
    others = {"step": {"every": 2}}.get(name, {})
    found = rates(name, warmup=2.5, **others)
    np.testing.assert_allclose(found[:26], np.arange(26) / 25, atol=1e-12)
    assert found.max() == 1


def test_after_the_warm_up_a_schedule_has_what_is_left() -> None:
    np.testing.assert_allclose(rates("linear", warmup=4)[40:], 1 - np.arange(81) / 80, atol=1e-12)
    assert rates("cosine", warmup=4, floor=0.2)[-1] == pytest.approx(0.2, abs=1e-12)
    assert rates("cosine", warmup=4)[80] == pytest.approx(0.5, abs=1e-12)
    assert np.flatnonzero(rates("cosine_restarts", warmup=4, first=3) == 1).tolist() == [40, 70, 100]


def one_step(gradient: float, **settings: Any) -> float:
    """From 2, at a rate of 0.1."""
    weight = nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    optimiser = build_optimiser(OptimiserSettings(lr=1.0, weight_decay=0.5, **settings), [weight])
    set_rate(optimiser, 0.1)
    weight.grad = torch.full_like(weight, gradient)
    optimiser.step()
    return weight.item()


def test_weight_decay_is_a_penalty_or_decoupled() -> None:
    assert one_step(3.0, name="sgd") == pytest.approx(2 - 0.1 * (3 + 0.5 * 2), rel=1e-12)
    assert one_step(0.0, name="adamw") == pytest.approx(2 * (1 - 0.1 * 0.5), rel=1e-12)
    assert one_step(0.0, name="adam") == pytest.approx(2 - 0.1, rel=1e-6)  # the penalty is all of its gradient


@pytest.mark.parametrize(("name", "expected"), [("sgd", 2 - 0.1 * (1 + 1.3)), ("adam", None)])
def test_momenta_are_those_of_the_settings(name: str, expected: float | None) -> None:
    weight = nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    settings = OptimiserSettings(name=name, lr=0.1, weight_decay=0, beta1=0.5, momentum=0.3)  # type: ignore[arg-type]
    optimiser = build_optimiser(settings, [weight])
    for gradient in (1.0, 1.0 if name == "sgd" else 3.0):
        weight.grad = torch.full_like(weight, gradient)
        optimiser.step()
    if expected is None:  # Kingma and Ba (2015), Algorithm 1
        mean = (0.5 * 0.5 * 1 + 0.5 * 3) / (1 - 0.5**2)
        square = (0.999 * 0.001 * 1 + 0.001 * 9) / (1 - 0.999**2)
        expected = 2 - 0.1 - 0.1 * mean / math.sqrt(square)
    assert weight.item() == pytest.approx(expected, rel=1e-7)


def test_an_average_follows_its_closed_form_and_copies_buffers() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).double()
    average, decay, steps = Average(network, 0.9), 0.9, 7
    weights = [network[0].weight.detach().clone()]
    for _ in range(steps):
        with torch.no_grad():
            network[0].weight += torch.randn(2, 3)
        network(torch.randn(5, 3, dtype=torch.float64))
        average.follow(network)
        weights.append(network[0].weight.detach().clone())
    shares = [decay**steps, *((1 - decay) * decay ** (steps - step) for step in range(1, steps + 1))]
    expected = torch.stack([share * weight for share, weight in zip(shares, weights, strict=True)]).sum(0)
    torch.testing.assert_close(average.network[0].weight, expected, rtol=1e-12, atol=0)
    assert torch.equal(average.network[1].running_mean, network[1].running_mean)
    assert average.network[1].num_batches_tracked == steps
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
