"""``concat(x, MHA(x), Transformer(x))`` against torch's own attention and Transformer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from abaw_pipeline.models.encoders.attention import SelfAttention
from abaw_pipeline.models.encoders.attention_transformer import AttentionTransformerEncoder
from abaw_pipeline.models.encoders.blocks import positions
from abaw_pipeline.models.encoders.settings import AttentionTransformerSettings

WIDTH, HEADS = 12, 3
MASK = torch.arange(7) < torch.tensor([[7], [4]])


def _frames() -> torch.Tensor:
    return torch.randn(2, 7, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def _lend(own: SelfAttention, reference: nn.MultiheadAttention) -> None:
    own.inputs.load_state_dict({"weight": reference.in_proj_weight, "bias": reference.in_proj_bias})
    own.outputs.load_state_dict(reference.out_proj.state_dict())


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("placed", ["sinusoidal", "none"])
def test_the_three_parts_are_those_of_torch(norm, placed):
    torch.manual_seed(0)
    settings = AttentionTransformerSettings(
        name="attention_transformer", width=WIDTH, heads=HEADS, layers=2, feedforward=20, norm=norm, positions=placed
    )
    encoder = AttentionTransformerEncoder(settings).double().eval()
    attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True).double()
    _lend(encoder.attention, attention)
    inputs = _frames() + (positions(7, WIDTH) if placed == "sinusoidal" else 0.0)
    transformed = inputs
    for own in encoder.layers:
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 20, batch_first=True, norm_first=norm == "pre").double().eval()
        _lend(own.attention, layer.self_attn)
        own.feedforward[0].load_state_dict(layer.linear1.state_dict())
        own.feedforward[3].load_state_dict(layer.linear2.state_dict())
        transformed = layer(transformed, src_key_padding_mask=~MASK)
    if norm == "pre":
        transformed = nn.functional.layer_norm(transformed, (WIDTH,))
    attended = attention(inputs, inputs, inputs, key_padding_mask=~MASK)[0]
    made = encoder(_frames(), MASK).main
    expected = torch.cat([inputs, attended, transformed], dim=-1)
    torch.testing.assert_close(made[MASK], expected[MASK], rtol=0, atol=1e-12)


def test_heads_of_any_width_are_softmax_attention_each():
    torch.manual_seed(0)
    layer = SelfAttention(WIDTH, heads=2, head_width=5, dropout=0.0).double()
    frames = _frames()[1, :4]
    query, key, value = (part.chunk(2, dim=-1) for part in layer.inputs(frames).chunk(3, dim=-1))
    heads = [torch.softmax(q @ k.T / 5**0.5, dim=-1) @ v for q, k, v in zip(query, key, value, strict=True)]
    expected = layer.outputs(torch.cat(heads, dim=-1))
    torch.testing.assert_close(layer(_frames(), MASK)[1, :4], expected, rtol=0, atol=1e-12)


def test_dropout_leaves_the_input_as_it_is():
    torch.manual_seed(0)
    settings = AttentionTransformerSettings(name="attention_transformer", width=WIDTH, heads=HEADS, positions="none")
    encoder = AttentionTransformerEncoder(settings).double()
    first, second = (encoder(_frames(), MASK).main.chunk(3, dim=-1) for _ in range(2))
    assert torch.equal(first[0], _frames())
    assert not torch.equal(first[1], second[1])
    assert not torch.equal(first[2], second[2])
