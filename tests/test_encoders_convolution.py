"""The convolution over frames, and the encoders made of it."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import conv1d, pad

from abaw_pipeline.models.convolution import MaskedConv1d
from abaw_pipeline.models.encoders.settings import TcnSettings
from abaw_pipeline.models.encoders.tcn import ResidualBlock, TcnEncoder
from tests.encoders import open_gates

WIDTH = 8


def _seen(encoder: TcnEncoder, frame: int) -> list[int]:
    """Frames of 40 that an output frame's gradient reaches."""
    frames = torch.rand(1, 40, WIDTH, dtype=torch.float64, requires_grad=True)
    encoder(frames, torch.ones(1, 40, dtype=torch.bool)).main[0, frame].sum().backward()
    assert frames.grad is not None
    return frames.grad[0].any(-1).nonzero()[:, 0].tolist()


@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (2, 1), (3, 1), (3, 4), (4, 3), (5, 2)])
@pytest.mark.parametrize("causal", [True, False])
def test_a_convolution_is_the_sum_over_the_frames_it_sees(kernel, dilation, causal):
    torch.manual_seed(0)
    layer = MaskedConv1d(3, 2, kernel, dilation=dilation, causal=causal).double()
    frames = torch.randn(1, 15, 3, dtype=torch.float64)
    behind = (kernel - 1) * dilation - (0 if causal else (kernel - 1) * dilation // 2)
    expected = layer.conv.bias.repeat(15, 1)
    for frame in range(15):
        for tap in range(kernel):
            other = frame - behind + tap * dilation
            if 0 <= other < 15:
                expected[frame] += layer.conv.weight[:, :, tap] @ frames[0, other]
    made = layer(frames, torch.ones(1, 15, dtype=torch.bool))[0]
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-12)
    assert layer.reach == (behind, (kernel - 1) * dilation - behind)


def test_padding_counts_as_zeros_whatever_it_holds():
    torch.manual_seed(0)
    layer = MaskedConv1d(3, 2, 5).double()
    frames = torch.randn(1, 9, 3, dtype=torch.float64)
    alone = layer(frames[:, :6], torch.ones(1, 6, dtype=torch.bool))
    frames[:, 6:] = torch.nan
    made = layer(frames, torch.arange(9)[None] < 6)
    torch.testing.assert_close(made[:, :6], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("levels", "kernel"), [(1, 2), (1, 3), (2, 3), (3, 2)])
@pytest.mark.parametrize("causal", [True, False])
def test_a_frame_of_the_tcn_sees_two_convolutions_of_every_level(levels, kernel, causal):
    torch.manual_seed(0)
    settings = TcnSettings(name="tcn", width=WIDTH, levels=levels, kernel=kernel, causal=causal, dropout=0)
    reach = 2 * (kernel - 1) * (2**levels - 1)
    ahead = 0 if causal else sum(2 * ((kernel - 1) * 2**level // 2) for level in range(levels))
    encoder = TcnEncoder(settings).double()
    open_gates(encoder)
    seen = _seen(encoder, 20)
    assert seen == list(range(20 - reach + ahead, 20 + ahead + 1))
    assert len(seen) == 1 + reach


def test_weights_of_a_residual_block_are_directions_and_lengths():
    torch.manual_seed(0)
    block = ResidualBlock(3, kernel=2, dilation=2, dropout=0.5, causal=True).double().eval()
    frames = torch.randn(1, 3, 10, dtype=torch.float64)
    added = frames
    for convolution in block.convolutions:
        lengths = torch.rand(3, 1, 1, dtype=torch.float64)
        directions = torch.randn(3, 3, 2, dtype=torch.float64)
        convolution.conv.parametrizations.weight.original0.data = lengths
        convolution.conv.parametrizations.weight.original1.data = directions
        weight = lengths * directions / directions.flatten(1).norm(dim=1)[:, None, None]
        added = conv1d(pad(added, (2, 0)), weight, convolution.conv.bias, dilation=2).relu()
    made = block(frames.transpose(1, 2), torch.ones(1, 10, dtype=torch.bool))
    torch.testing.assert_close(made, (frames + added).relu().transpose(1, 2), rtol=0, atol=1e-12)
