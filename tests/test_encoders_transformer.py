"""Encoders of Transformer blocks, against formulas and against torch's own Transformer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from abaw_pipeline.models.encoders.blocks import EncoderDecoder, positions
from abaw_pipeline.models.encoders.twin_transformer import ExpansionCompression
from abaw_pipeline.models.streams import State, take
from tests.encoders import encoder, mask_of

torch.set_num_threads(1)

SMALL: dict[str, Any] = {"width": 8, "heads": 2, "layers": 2, "feedforward": 12}
norms = pytest.mark.parametrize("norm", ["post", "pre"])


def test_positions_by_formula() -> None:
    table = positions(7, 5)
    for step, column in ((0, 0), (3, 0), (3, 1), (6, 2), (6, 3), (5, 4)):
        angle = step / 10_000 ** (2 * (column // 2) / 5)
        assert table[step, column] == pytest.approx(math.cos(angle) if column % 2 else math.sin(angle), abs=1e-5)


@pytest.mark.parametrize("name", ["transformer", "gru_transformer", "twin_transformer"])
def test_positions_are_added_to_what_attends(name: str) -> None:
    """A Transformer without positions takes frames with theirs added for what one with positions takes."""
    frames, mask = torch.randn(1, 6, 8), mask_of(6)
    own, without = (encoder(name, **SMALL, positions=kind) for kind in ("sinusoidal", "none"))
    if name == "transformer":
        torch.testing.assert_close(own(frames, mask).main, without(frames + positions(6, 8), mask).main)
    turned, plain = without(frames.flip(1), mask).main[..., -8:], without(frames, mask).main[..., -8:]
    torch.testing.assert_close(turned.flip(1), plain)
    turned, plain = own(frames.flip(1), mask).main[..., -8:], own(frames, mask).main[..., -8:]
    assert not torch.allclose(turned.flip(1), plain, atol=1e-3)


def _normalised(x: np.ndarray, p: dict[str, np.ndarray], at: str) -> np.ndarray:
    centred = x - x.mean(1, keepdims=True)
    spread = np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)
    return centred / spread * p[f"{at}.weight"] + p[f"{at}.bias"]


def _attended(x: np.ndarray, p: dict[str, np.ndarray]) -> np.ndarray:
    q, k, v = np.split(x @ p["self_attn.in_proj_weight"].T + p["self_attn.in_proj_bias"], 3, axis=1)
    shares = np.exp(q @ k.T / np.sqrt(x.shape[1]))
    mixed = shares / shares.sum(1, keepdims=True) @ v
    return mixed @ p["self_attn.out_proj.weight"].T + p["self_attn.out_proj.bias"]


def _fed_forward(x: np.ndarray, p: dict[str, np.ndarray]) -> np.ndarray:
    hidden = np.maximum(x @ p["linear1.weight"].T + p["linear1.bias"], 0)
    return hidden @ p["linear2.weight"].T + p["linear2.bias"]


@norms
def test_a_block_of_one_head_is_its_formula(norm: str) -> None:
    """x + attention, x + feed-forward, normalised after or before, in float64; ``pre`` normalises the last sum too."""
    network = encoder("transformer", **SMALL | {"heads": 1, "layers": 1}, norm=norm, positions="none").double()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.5)
    weights = {name: value.detach().numpy() for name, value in network.stack.layers.named_parameters()}
    p = {name.removeprefix("layers.0."): value for name, value in weights.items()}
    frames = torch.randn(1, 5, 8, dtype=torch.float64)
    x = frames[0].numpy()
    if norm == "post":
        x = _normalised(x + _attended(x, p), p, "norm1")
        x = _normalised(x + _fed_forward(x, p), p, "norm2")
    else:
        x = x + _attended(_normalised(x, p, "norm1"), p)
        x = _normalised(x + _fed_forward(_normalised(x, p, "norm2"), p), p, "norm")
    np.testing.assert_allclose(network(frames, mask_of(5)).main[0].detach().numpy(), x, atol=1e-10)


@pytest.mark.parametrize("name", ["transformer", "transformer_lstm", "gru_transformer", "twin_transformer"])
def test_no_two_layers_begin_alike(name: str) -> None:
    matrices = [p for p in encoder(name, **SMALL).parameters() if p.dim() > 1]
    same = [(a, b) for i, a in enumerate(matrices) for b in matrices[:i] if a.shape == b.shape and torch.equal(a, b)]
    assert not same


def _plain(network: EncoderDecoder, norm: str) -> nn.Transformer:
    """torch's own Transformer of the size ``SMALL`` with the weights of ``network``."""
    plain = nn.Transformer(8, 2, 2, 2, 12, 0.0, batch_first=True, norm_first=norm == "pre")
    plain.load_state_dict(network.transformer.state_dict())
    return plain.eval()


@norms
@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_gru_transformer_is_what_torch_makes_of_its_input(norm: str) -> None:
    settings = SMALL | {"hidden": 5, "gru_layers": 2, "norm": norm, "positions": "none"}
    network, frames = encoder("gru_transformer", **settings, branch_loss="branches"), torch.randn(2, 6, 8)
    gru = nn.GRU(8, 5, 2, batch_first=True)
    gru.load_state_dict(network.gru.state_dict())
    made = network(frames, mask_of(6, 6))
    torch.testing.assert_close(made.branches["gru"], gru(frames)[0])
    torch.testing.assert_close(made.branches["transformer"], _plain(network.transformer, norm)(frames, frames))
    assert torch.equal(made.main, torch.cat([made.branches["gru"], made.branches["transformer"]], -1))
    concatenated = encoder("gru_transformer", **settings)
    assert torch.equal(concatenated(frames, mask_of(6, 6)).main, made.main)


def test_gru_transformer_weighs_its_losses() -> None:
    assert encoder("gru_transformer", **SMALL, branch_loss="branches").branch_weights == {
        "transformer": 0.5,
        "mean": 0.5,
    }


@pytest.mark.parametrize("target", ["feature", "t1"])
def test_t2_decodes_its_target_from_the_expanded_feature(target: str) -> None:
    network, frames = encoder("twin_transformer", **SMALL, positions="none", target=target), torch.randn(2, 6, 8)
    made = network(frames, mask_of(6, 6)).branches
    torch.testing.assert_close(made["t1"], _plain(network.t1, "post")(frames, frames))
    torch.testing.assert_close(made["f_ec"], network.f_ec(frames))
    decoded = frames if target == "feature" else made["t1"]
    torch.testing.assert_close(made["t2"], _plain(network.t2, "post")(made["f_ec"], decoded))


def test_only_t1_leaves_out_the_rest() -> None:
    whole, only = (encoder("twin_transformer", **SMALL, only_t1=only) for only in (False, True))
    assert {name for name, _ in only.named_parameters()} == {f"t1.{name}" for name, _ in whole.t1.named_parameters()}
    only.load_state_dict({name: value for name, value in whole.state_dict().items() if name.startswith("t1.")})
    frames, mask = torch.randn(2, 6, 8), mask_of(6, 3)
    torch.testing.assert_close(only(frames, mask).main, whole(frames, mask).branches["t1"])


@pytest.mark.parametrize(("expansion", "wide"), [(1.5, 12), (0.5, 4), (0.01, 1)])
def test_expansion_and_compression_by_formula(expansion: float, wide: int) -> None:
    block, frames = ExpansionCompression(8, expansion).double(), torch.randn(3, 8, dtype=torch.float64)
    first, second = (parameter.detach().numpy() for parameter in block.parameters())
    assert (first.shape, second.shape) == ((wide, 8), (8, wide))
    expected = np.maximum(second @ np.maximum(first @ frames.numpy().T, 0), 0).T
    np.testing.assert_allclose(block(frames).detach().numpy(), expected, atol=1e-12)


def test_expansion_begins_as_he_et_al_say() -> None:
    """Variance 2 / inputs keeps the mean square of what passes ReLU layers (He et al., 2015, Eq. 10)."""
    torch.manual_seed(0)
    block, frames = ExpansionCompression(400, 1.5), torch.randn(500, 400)
    assert block.expand.weight.var().item() == pytest.approx(2 / 400, rel=0.02)
    assert block.compress.weight.var().item() == pytest.approx(2 / 600, rel=0.02)
    # ReLU halves the mean square 2 of what it takes: 1 in, 1 out
    assert block(frames).square().mean().item() == pytest.approx(1, rel=0.1)


def test_transformer_lstm_reads_the_transformer() -> None:
    network = encoder("transformer_lstm", **SMALL, hidden=5, lstm_layers=2)
    transformer, frames, mask = encoder("transformer", **SMALL), torch.randn(2, 6, 8), mask_of(6, 4)
    transformer.stack.load_state_dict(network.stack.state_dict())
    lstm = nn.LSTM(8, 5, 2, batch_first=True)
    lstm.load_state_dict(network.lstm.state_dict())
    torch.testing.assert_close(network(frames, mask).main, lstm(transformer(frames, mask).main)[0])


def test_transformer_lstm_goes_on_where_a_segment_ended() -> None:
    """Eq. 7 of EVAEF: the Transformer sees a segment, the LSTM everything before."""
    network = encoder("transformer_lstm", **SMALL, hidden=5, lstm_layers=2, carry_state=True)
    parts, transformed = [], []
    state: State | None = None
    for segment in torch.randn(2, 11, 8).split((4, 4, 3), 1):
        mask = mask_of(*[segment.shape[1]] * 2)
        made = network(segment, mask, state)
        parts.append(made.main)
        transformed.append(network.stack(segment, mask))
        state = take(made.state, torch.arange(2))
    torch.testing.assert_close(torch.cat(parts, 1), network.lstm(torch.cat(transformed, 1))[0])
