"""Heads, pooling, and how their scores become predictions and terms of the loss."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from abaw_pipeline.models.heads import Head
from abaw_pipeline.models.pooling import AttentionPooling, MeanPooling
from abaw_pipeline.models.readout import Readout
from abaw_pipeline.models.streams import Encoded, Target
from tests.encoders import mask_of
from tests.temporal_models import batch, model, target

torch.set_num_threads(1)

WIDTHS = {"a": 4, "b": 3, "c": 5}


def _readout(kind: str, target: Target) -> tuple[Readout, Encoded]:
    """A readout in float64 and what it reads: two windows of six frames."""
    torch.manual_seed(0)
    branches = {} if kind == "single" else WIDTHS
    weights = {"b": 0.25, "mean": 0.75} if kind == "mean" else {}
    encoding: Any = SimpleNamespace(width=6, readout=kind, branches=branches, branch_weights=weights)
    streams = {name: torch.randn(2, 6, width).double() for name, width in branches.items()}
    return Readout(encoding, target).double().eval(), Encoded(torch.randn(2, 6, 6).double(), streams)


def _raw(readout: Readout, encoded: Encoded) -> list[torch.Tensor]:
    """Scores of every head, each one affine layer."""
    streams = encoded.branches or {"main": encoded.main}
    layers = {name: head.last[0] for name, head in readout.heads.items()}
    return [streams[name] @ layer.weight.T + layer.bias for name, layer in layers.items()]


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "none"])
def test_single_readout_activates_columns_and_leaves_extra_outputs(activation: str) -> None:
    readout, encoded = _readout("single", target(2, 3, activation))
    (raw,) = _raw(readout, encoded)
    columns = raw[..., :2] if activation == "none" else getattr(torch, activation)(raw[..., :2])
    read = readout(encoded, mask_of(6, 6))
    torch.testing.assert_close(read.values, columns)
    (term,) = read.terms
    assert term.weight == 1
    torch.testing.assert_close(term.scores, torch.cat([columns, raw[..., 2:]], -1))


def test_mean_readout_is_the_mean_of_activated_scores() -> None:
    readout, encoded = _readout("mean", target(2, 1))
    scores = [torch.cat([raw[..., :2].tanh(), raw[..., 2:]], -1) for raw in _raw(readout, encoded)]
    mean = (scores[0] + scores[1] + scores[2]) / 3
    read = readout(encoded, mask_of(6, 6))
    torch.testing.assert_close(read.values, mean[..., :2])
    assert [term.weight for term in read.terms] == [0.25, 0.75]
    torch.testing.assert_close(read.terms[0].scores, scores[1])
    torch.testing.assert_close(read.terms[1].scores, mean)


def test_fused_readout_is_two_layers_over_the_raw_scores_of_all_heads() -> None:
    readout, encoded = _readout("fused", target(2, 1, "sigmoid"))
    raw = _raw(readout, encoded)
    first, last = readout.fusing[0], readout.fusing[2]
    assert (first.weight.shape, last.weight.shape) == ((9, 9), (3, 9))
    wide = (torch.cat(raw, -1) @ first.weight.T + first.bias).relu()
    expected = [
        torch.cat([one[..., :2].sigmoid(), one[..., 2:]], -1) for one in (*raw, wide @ last.weight.T + last.bias)
    ]
    read = readout(encoded, mask_of(6, 6))
    torch.testing.assert_close(read.values, expected[-1][..., :2])
    assert [term.weight for term in read.terms] == [0.25] * 4
    for term, scores in zip(read.terms, expected, strict=True):
        torch.testing.assert_close(term.scores, scores)


@pytest.mark.parametrize("kind", ["single", "mean", "fused"])
@pytest.mark.parametrize("level", ["frame", "clip"])
def test_hidden_layers_of_all_heads_side_by_side(kind: str, level: str) -> None:
    readout, encoded = _readout(kind, target(2, 1, level=level, hidden=[7, 3], separate=True))
    hidden = readout(encoded, mask_of(6, 4)).hidden
    assert readout.hidden_width == 3 * 3 * (1 if kind == "single" else 3)
    assert hidden.shape == ((2, 6) if level == "frame" else (2,)) + (readout.hidden_width,)


def _widths(head: Head) -> list[list[tuple[int, int]]]:
    """(inputs, outputs) of the layers of every stack."""
    stacks = [[*hidden, last] for hidden, last in zip(head.hidden, head.last, strict=True)]
    return [[(one.in_features, one.out_features) for one in stack if hasattr(one, "in_features")] for stack in stacks]


def test_widths_of_heads() -> None:
    assert _widths(Head(4, target(2, 3))) == [[(4, 5)]]
    assert _widths(Head(4, target(2, hidden=[7, 3]))) == [[(4, 7), (7, 3), (3, 2)]]
    separate = [[(4, 7), (7, 1)], [(4, 7), (7, 1)]]
    assert _widths(Head(4, target(2, hidden=[7], separate=True))) == separate
    assert _widths(Head(4, target(2, 3, hidden=[7], separate=True))) == [*separate, [(4, 7), (7, 3)]]


def test_columns_of_separate_heads_share_nothing() -> None:
    head = Head(4, target(2, 2, hidden=[7], separate=True))
    for column, stack in enumerate((0, 1, 2, 2)):
        head.zero_grad()
        head(torch.randn(1, 5, 4), mask_of(5))[0][..., column].sum().backward()
        reached = {name.split(".")[1] for name, p in head.named_parameters() if p.grad is not None and p.grad.any()}
        assert reached == {str(stack)}


def test_pooling_by_formula() -> None:
    torch.manual_seed(0)
    frames, mask, attention = torch.randn(2, 5, 3), mask_of(5, 2), AttentionPooling(3)
    torch.testing.assert_close(MeanPooling()(frames, mask)[1], frames[1, :2].mean(0))
    weights = attention.weights(frames, mask)
    torch.testing.assert_close(weights.sum(1), torch.ones(2))
    assert not weights[1, 2:].any()
    scores = (frames[1, :2] @ attention.score.weight[0] + attention.score.bias).exp()
    expected = (scores[:, None] * frames[1, :2]).sum(0) / scores.sum()
    torch.testing.assert_close(attention(frames, mask)[1], expected)


@pytest.mark.parametrize("pooling", ["attention", "mean"])
def test_padding_never_reaches_what_is_said_of_a_clip(pooling: str) -> None:
    network = model(targets={"eri": target(7, 7, "sigmoid", "clip", pooling=pooling, hidden=[5])})
    alone, has, _ = batch(6)
    expected = network(alone, has, mask_of(6)).values["eri"]
    for junk in (0.0, 50.0):
        frames, known, mask = batch(1, 6, 11)
        frames[1, 6:] = junk
        frames[1, :6], known[1, :6] = alone[0], has[0]
        said = network(frames, known, mask).values["eri"]
        torch.testing.assert_close(said[1], expected[0], atol=1e-5, rtol=0)
