"""TEMMA: its embedding, and what its streams and frames see of one another."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from abaw_pipeline.models.encoders.settings import TemmaSettings
from abaw_pipeline.models.encoders.temma import MultiModalAttention, TemmaEncoder
from tests.encoders import open_gates

MASK = torch.ones(1, 30, dtype=torch.bool)


def _settings(**changes) -> TemmaSettings:
    small = {"name": "temma", "width": 16, "heads": 2, "layers": 1, "feedforward": 16, "dropout": 0}
    return TemmaSettings.model_validate(small | changes)


def _reached(made: torch.Tensor, frames: torch.Tensor) -> torch.Tensor:
    """Which numbers ``(30, width)`` of the frames the gradient of ``made`` reaches."""
    return torch.autograd.grad(made.sum(), frames)[0][0] != 0


@pytest.mark.parametrize(("levels", "kernel"), [(1, 3), (2, 3), (3, 2)])
def test_the_embedding_sees_the_past_of_two_convolutions_a_level(levels, kernel):
    torch.manual_seed(0)
    frames = torch.rand(1, 30, 16, dtype=torch.float64, requires_grad=True)
    encoder = TemmaEncoder(_settings(levels=levels, kernel=kernel)).double()
    open_gates(encoder.embeddings[0])
    embedded = encoder.embeddings[0](frames, MASK)
    reach = 2 * (kernel - 1) * (2**levels - 1)
    seen = _reached(embedded[0, 20], frames).any(-1).nonzero()[:, 0]
    assert seen.tolist() == list(range(20 - reach, 21))
    assert _reached(encoder(frames, MASK).main[0, 20, 0], frames).any(-1).all()


def test_streams_meet_within_a_frame_alone_and_only_in_multi_modal_attention():
    torch.manual_seed(0)
    frames = torch.randn(1, 30, 16, dtype=torch.float64, requires_grad=True)
    encoder = TemmaEncoder(_settings(streams=2)).double()
    assert _reached(encoder(frames, MASK).main[0, 20, 0], frames)[:, 8:].any()
    across = encoder.blocks[0].across
    seen = _reached(torch.cat(across(list(frames.chunk(2, -1))), -1)[0, 20, :8], frames)
    assert seen[20, 8:].any() and seen.any(-1).sum() == 1
    encoder.blocks[0].across = None
    assert not _reached(encoder(frames, MASK).main[0, 20, 0], frames)[:, 8:].any()


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_multi_modal_attention_with_equal_weights_is_that_of_torch_over_streams(norm):
    torch.manual_seed(0)
    layer = MultiModalAttention(8, _settings(width=24, streams=3, norm=norm)).double()
    reference = nn.MultiheadAttention(8, 2, batch_first=True).double()
    for inputs, outputs in zip(layer.inputs, layer.outputs, strict=True):
        inputs.load_state_dict({"weight": reference.in_proj_weight, "bias": reference.in_proj_bias})
        outputs.load_state_dict(reference.out_proj.state_dict())
    streams = torch.randn(10, 3, 8, dtype=torch.float64)  # frames, streams, width
    normed = nn.functional.layer_norm
    rows = normed(streams, (8,)) if norm == "pre" else streams
    expected = streams + reference(rows, rows, rows)[0]
    made = torch.stack(layer([stream[None] for stream in streams.unbind(1)]), dim=2)[0]
    torch.testing.assert_close(made, expected if norm == "pre" else normed(expected, (8,)), rtol=0, atol=1e-12)


def test_one_stream_is_a_transformer_over_the_embedding():
    torch.manual_seed(0)
    encoder = TemmaEncoder(_settings(layers=2)).double()
    frames = torch.randn(1, 30, 16, dtype=torch.float64)
    expected = encoder.embeddings[0](frames, MASK)
    for block in encoder.blocks:
        expected = block.along[0](expected)
    expected = nn.functional.layer_norm(expected, (16,))
    torch.testing.assert_close(encoder(frames, MASK).main, expected, rtol=0, atol=1e-12)


def test_streams_and_heads_must_divide_the_width():
    with pytest.raises(ValueError, match=r"streams \(3\) times heads \(2\) must divide width \(16\)"):
        _settings(streams=3)
