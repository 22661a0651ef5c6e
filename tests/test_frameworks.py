"""Multi-task frameworks: who shares what, and where gradients go."""

from __future__ import annotations

import pytest
import torch

from abaw_pipeline.models.temporal import TemporalModel
from tests.encoders import mask_of
from tests.temporal_models import (
    CARRYING,
    FEEDBACK,
    FUSED_READ,
    GRU,
    MEAN_READ,
    SHARE,
    TRANSFORMER,
    batch,
    in_segments,
    model,
    target,
)

torch.set_num_threads(1)

TARGETS = {"expr": target(8, activation="none", hidden=[5, 4]), "va": target(hidden=[5]), "au": target(3, hidden=[7])}


def _reached(network: TemporalModel, task: str) -> set[str]:
    """Modules, as far as tasks go, that the gradient of one task's scores reaches."""
    said = network(*batch(6, 4)).values[task]
    network.zero_grad()
    (said * torch.randn_like(said)).sum().backward()
    towers = {f"framework.towers.{n}.": name for n, name in enumerate(getattr(network.framework, "tasks", []))}
    towers |= {"framework.target_tower.": FEEDBACK["target"], "fusion.": "bottom"}
    reached = [name for name, p in network.named_parameters() if p.grad is not None and p.grad.any()]
    return {owner for start, owner in towers.items() for name in reached if name.startswith(start)}


def test_basic_puts_a_head_per_task_on_one_encoder() -> None:
    network, (frames, known, mask) = model(targets=TARGETS), batch(6, 4)
    encoded = network.fusion(frames, known, mask)
    said = network(frames, known, mask)
    for task, readout in zip(TARGETS, network.framework.readouts, strict=True):
        torch.testing.assert_close(said.values[task], readout(encoded, mask).values)


def test_share_bottom_by_formula() -> None:
    network, (frames, known, mask) = model(GRU, framework=SHARE, targets=TARGETS), batch(6, 4)
    bottom = network.fusion(frames, known, mask).main
    said = network(frames, known, mask)
    for task, tower in zip(TARGETS, network.framework.towers, strict=True):
        encoded = tower.encoder(bottom @ tower.entry.weight.T + tower.entry.bias, mask)
        torch.testing.assert_close(said.values[task], tower.readout(encoded, mask).values)


def test_widths_that_fit_need_no_layer_between() -> None:
    network = model(TRANSFORMER, framework=SHARE, targets=TARGETS)
    assert not [p for tower in network.framework.towers for p in tower.entry.parameters()]


def test_tasks_over_a_shared_bottom_share_nothing_else() -> None:
    network = model(framework=SHARE, targets=TARGETS)
    for task in TARGETS:
        assert _reached(network, task) == {"bottom", task}


@pytest.mark.parametrize("fed", ["encoder", "head"])
def test_no_gradient_of_the_target_reaches_the_source(fed: str) -> None:
    network = model(framework=FEEDBACK | {"fed": fed}, targets=TARGETS)
    for task in TARGETS:
        assert _reached(network, task) == {"bottom", task}


@pytest.mark.parametrize("encoder", [TRANSFORMER, FUSED_READ], ids=lambda raw: raw["name"])
@pytest.mark.parametrize("fed", ["encoder", "head"])
def test_feedback_by_formula(fed: str, encoder) -> None:
    network = model(framework=FEEDBACK | {"fed": fed, "encoder": encoder}, targets=TARGETS)
    frames, known, mask = batch(6, 4)
    bottom = network.fusion(frames, known, mask).main
    source, own = network.framework.towers[network.framework.tasks.index("au")], network.framework.target_tower
    encoded = source.encoder(source.entry(bottom), mask)
    seen = encoded.main if fed == "encoder" else source.readout(encoded, mask).hidden
    made = own.encoder(torch.cat([bottom, seen], -1) @ own.entry.weight.T + own.entry.bias, mask)
    said = network(frames, known, mask)
    torch.testing.assert_close(said.values["expr"], own.readout(made, mask).values)
    torch.testing.assert_close(said.values["au"], source.readout(encoded, mask).values)


@pytest.mark.parametrize("fed", ["encoder", "head"])
def test_feedback_between_tasks_of_clips(fed: str) -> None:
    targets = {name: target(4, 0, "sigmoid", "clip", hidden=[5]) for name in ("expr", "au")}
    network = model(framework=FEEDBACK | {"fed": fed}, targets=targets)
    frames, known, mask = batch(6, 4)
    assert network(frames, known, mask).values["expr"].shape == (2, 4)
    alone = network(frames[1:, :4], known[1:, :4], mask_of(4)).values["expr"]
    torch.testing.assert_close(network(frames, known, mask).values["expr"][1:], alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("framework", [SHARE, FEEDBACK, FEEDBACK | {"fed": "head"}], ids=lambda raw: raw["name"])
@pytest.mark.parametrize("encoder", [GRU, TRANSFORMER, MEAN_READ, FUSED_READ], ids=lambda raw: raw["name"])
def test_padding_and_batch_mates_never_matter(framework, encoder) -> None:
    network = model(framework=framework | {"encoder": encoder}, targets=TARGETS)
    alone, has, _ = batch(6)
    expected = network(alone, has, mask_of(6))
    for junk in (0.0, 50.0):
        frames, known, mask = batch(1, 6, 11)
        frames[1, 6:], frames[1, :6], known[1, :6] = junk, alone[0], has[0]
        said = network(frames, known, mask)
        for task in TARGETS:
            torch.testing.assert_close(said.values[task][1, :6], expected.values[task][0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("framework", [SHARE, FEEDBACK], ids=lambda raw: raw["name"])
@pytest.mark.parametrize(("bottom", "task"), [(CARRYING, CARRYING), (GRU, CARRYING), (CARRYING, GRU)])
def test_segments_go_on_from_the_state_of_every_encoder(framework, bottom, task) -> None:
    network = model(bottom, framework=framework | {"encoder": task}, targets=TARGETS)
    frames, known, _ = batch(9, 9)
    _, state = in_segments(network, frames, known, 4)
    carrying = {"fusion": bottom, **{f"tasks.{name}": task for name in TARGETS}}
    assert network.carries_state
    assert set(state) == {f"{owner}.hidden" for owner, raw in carrying.items() if raw is CARRYING}


@pytest.mark.parametrize("framework", [SHARE, FEEDBACK, FEEDBACK | {"fed": "head"}], ids=lambda raw: raw["name"])
def test_segment_by_segment_equals_the_whole(framework) -> None:
    network = model(CARRYING, "late", framework | {"encoder": CARRYING | {"name": "lstm"}}, TARGETS)
    frames, known, mask = batch(9, 9)
    whole = network(frames, known, mask)
    apart, state = in_segments(network, frames, known, 4)
    for task in TARGETS:
        torch.testing.assert_close(apart[task], whole.values[task], atol=1e-5, rtol=0)
    assert set(state) == set(whole.state)
