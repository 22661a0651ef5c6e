"""What holds for every encoder there is."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

from abaw_pipeline.models.registry import ENCODERS
from abaw_pipeline.runtime.code import PACKAGE
from tests.encoders import encoder, input_width, mask_of, streams

torch.set_num_threads(1)

SMALL = {"width": 8, "heads": 2, "layers": 2, "feedforward": 12}
CASES: dict[str, list[dict[str, Any]]] = {
    "gru": [
        {"hidden": 6, "layers": 2},
        {"hidden": 6, "layers": 2, "bidirectional": True},
        {"hidden": 6, "layers": 2, "carry_state": True},
    ],
    "lstm": [
        {"hidden": 6, "layers": 2},
        {"hidden": 6, "layers": 2, "bidirectional": True},
        {"hidden": 6, "layers": 2, "carry_state": True},
    ],
    "transformer": [SMALL, SMALL | {"norm": "pre"}, SMALL | {"heads": 1, "positions": "none"}],
    "transformer_lstm": [
        SMALL | {"hidden": 6, "lstm_layers": 2},
        SMALL | {"hidden": 6, "lstm_layers": 2, "carry_state": True},
    ],
    "gru_transformer": [
        SMALL | {"hidden": 6},
        SMALL | {"hidden": 6, "norm": "pre", "branch_loss": "branches"},
    ],
    "twin_transformer": [SMALL, SMALL | {"target": "t1", "norm": "pre"}, SMALL | {"only_t1": True}],
    "attention_transformer": [SMALL, SMALL | {"norm": "pre", "head_width": 3}, SMALL | {"positions": "none"}],
    "gru_local_attention": [
        {"hidden": 6, "layers": 2, "window": 3},
        {"hidden": 6, "layers": 1, "window": 4, "causal": False, "tanh": True},
    ],
    "tcn": [{"width": 8, "levels": 3}, {"width": 8, "levels": 2, "kernel": 2, "causal": True}],
    "temma": [SMALL, SMALL | {"streams": 2}, SMALL | {"streams": 2, "norm": "post", "positions": "none"}],
}
"""Settings that between them reach every line of an encoder; one that has none here fails the first test."""

every_encoder = pytest.mark.parametrize(
    ("name", "settings"),
    [
        pytest.param(name, settings, id=f"{name}{number}")
        for name, cases in CASES.items()
        for number, settings in enumerate(cases)
    ],
)


def _frames(name: str, settings: dict[str, Any], *shape: int) -> torch.Tensor:
    return torch.randn(*shape, input_width(name, **settings), generator=torch.Generator().manual_seed(1))


def test_every_encoder_is_tested_here() -> None:
    assert set(CASES) == set(ENCODERS)


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_lies_in_the_file_of_its_name(name: str) -> None:
    # Keys follow the encoder's code by this rule, without importing torch.
    assert ENCODERS[name].__module__ == f"abaw_pipeline.models.encoders.{name}"
    assert (PACKAGE / "models" / "encoders" / f"{name}.py").is_file()


@every_encoder
def test_it_makes_what_it_declares(name: str, settings: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # torch warns of settings without effect
        network = encoder(name, **settings)
    made = network(_frames(name, settings, 2, 7), mask_of(7, 3))
    assert made.main.shape == (2, 7, network.width)
    assert {branch: stream.shape for branch, stream in made.branches.items()} == {
        branch: (2, 7, width) for branch, width in network.branches.items()
    }
    assert bool(made.state) is network.carries_state
    assert all(len(value) == 2 for value in made.state.values())


@every_encoder
def test_how_it_is_read_fits_its_branches(name: str, settings: dict[str, Any]) -> None:
    network = encoder(name, **settings)
    assert (network.readout == "single") is (not network.branches)
    assert bool(network.branch_weights) is (network.readout == "mean")
    assert set(network.branch_weights) <= {*network.branches, "mean"}


@pytest.mark.parametrize("gradients", [True, False])
@every_encoder
def test_padding_and_batch_mates_never_matter(name: str, settings: dict[str, Any], gradients: bool) -> None:
    network = encoder(name, **settings)
    alone = _frames(name, settings, 1, 6)
    with torch.set_grad_enabled(gradients):  # torch attends in other kernels where it keeps no gradients
        expected = network(alone, mask_of(6))
        for junk in (0.0, 50.0):
            frames = torch.full((4, 11, alone.shape[2]), junk)
            frames[1, :6] = alone[0]
            frames[2] = torch.randn(11, alone.shape[2]) * 10
            made = network(frames, mask_of(1, 6, 11, 2))
            for stream, value in streams(made).items():
                torch.testing.assert_close(value[1, :6], streams(expected)[stream][0], atol=1e-5, rtol=0)
                assert value.isfinite().all()
            for part, value in made.state.items():
                torch.testing.assert_close(value[1], expected.state[part][0], atol=1e-5, rtol=0)


@every_encoder
def test_batch_size_never_matters(name: str, settings: dict[str, Any]) -> None:
    network, lengths = encoder(name, **settings), (9, 4, 1, 9, 6, 8, 2)
    frames, mask = _frames(name, settings, len(lengths), 9), mask_of(*lengths)
    with torch.inference_mode():
        together = streams(network(frames, mask))
        for size in (1, 3):
            parts = [streams(network(*both)) for both in zip(frames.split(size), mask.split(size), strict=True)]
            for stream, value in together.items():
                apart = torch.cat([part[stream] for part in parts])
                torch.testing.assert_close(apart[mask], value[mask], atol=1e-5, rtol=0)


@every_encoder
def test_training_and_inference_compute_the_same(name: str, settings: dict[str, Any]) -> None:
    network, mask = encoder(name, **settings), mask_of(9, 4, 1)
    frames = _frames(name, settings, 3, 9)
    training = streams(network.train()(frames, mask))
    with torch.inference_mode():
        inference = streams(network.eval()(frames, mask))
    for stream, value in training.items():
        torch.testing.assert_close(value.detach()[mask], inference[stream][mask], atol=1e-5, rtol=0)


@every_encoder
def test_gradient_reaches_every_parameter(name: str, settings: dict[str, Any]) -> None:
    network = encoder(name, **settings).train()
    made = network(_frames(name, settings, 3, 9), mask_of(9, 9, 5))
    for heads in filter(None, ([made.main], list(made.branches.values()))):
        network.zero_grad()
        sum((stream * torch.randn_like(stream)).sum() for stream in heads).backward(retain_graph=True)
        without = [at for at, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
        assert not without


@every_encoder
def test_a_window_of_one_frame(name: str, settings: dict[str, Any]) -> None:
    network = encoder(name, **settings)
    made = network(_frames(name, settings, 1, 1), mask_of(1))
    assert made.main.shape == (1, 1, network.width)
    assert made.main.isfinite().all()


@every_encoder
def test_it_learns_in_mixed_precision(name: str, settings: dict[str, Any]) -> None:
    network, mask = encoder(name, **settings).train(), mask_of(9, 4)
    frames = _frames(name, settings, 2, 9)
    exact = network(frames, mask)
    exact = network(frames, mask, exact.state)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network(frames, mask)
        rounded = network(frames, mask, rounded.state)
    for stream, value in streams(rounded).items():
        torch.testing.assert_close(value.float()[mask], streams(exact)[stream][mask], atol=0.1, rtol=0.1)
    rounded.main.float().square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
