"""Local attention, and the GRU before it."""

from __future__ import annotations

import pytest
import torch

from abaw_pipeline.models.encoders.gru_local_attention import GruLocalAttentionEncoder, local_attention
from abaw_pipeline.models.encoders.settings import GruLocalAttentionSettings


def _window_of(frame: int, length: int, window: int, causal: bool) -> range:
    after = 0 if causal else (window - 1) // 2
    return range(max(0, frame - (window - 1 - after)), min(length, frame + after + 1))


def _full_attention(frames: torch.Tensor, window: int, causal: bool) -> torch.Tensor:
    """Softmax over all T x T products, those outside the band at minus infinity."""
    length, width = frames.shape
    band = torch.full((length, length), -torch.inf, dtype=frames.dtype)
    for frame in range(length):
        band[frame, list(_window_of(frame, length, window, causal))] = 0.0
    return torch.softmax(frames @ frames.T / width**0.5 + band, dim=1) @ frames


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("window", [1, 2, 5, 12, 13, 40])
def test_local_attention_is_full_attention_under_the_band_mask(window, causal):
    frames = torch.randn(2, 13, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    made = local_attention(frames, torch.ones(2, 13, dtype=torch.bool), window, causal)
    expected = torch.stack([_full_attention(one, window, causal) for one in frames])
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("causal", [True, False])
def test_a_short_window_attends_as_if_it_stood_alone(causal):
    frames = torch.randn(2, 9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(9) < torch.tensor([[9], [5]])
    made = local_attention(frames, mask, 7, causal)
    torch.testing.assert_close(made[1, :5], _full_attention(frames[1, :5], 7, causal), rtol=0, atol=1e-12)
    assert made.isfinite().all()


@pytest.mark.parametrize("tanh", [True, False])
def test_the_encoder_attends_twice_to_what_the_gru_made(tanh):
    torch.manual_seed(0)
    settings = GruLocalAttentionSettings(name="gru_local_attention", hidden=6, layers=2, window=3, tanh=tanh)
    encoder = GruLocalAttentionEncoder(settings).double()
    frames = torch.randn(1, 8, 6, dtype=torch.float64)
    hidden = encoder.gru(frames)[0][0]
    once = _full_attention(hidden, 3, causal=True)
    twice = _full_attention((hidden + once) / 2, 3, causal=True)
    made = encoder(frames, torch.ones(1, 8, dtype=torch.bool)).main[0]
    torch.testing.assert_close(made, twice.tanh() if tanh else twice, rtol=0, atol=1e-12)


def test_a_later_frame_reaches_no_earlier_one_where_causal():
    torch.manual_seed(0)
    frames = torch.randn(1, 12, 8)
    changed = frames.clone()
    changed[0, 7] += 1.0
    mask = torch.ones(1, 12, dtype=torch.bool)
    for causal in (True, False):
        settings = GruLocalAttentionSettings(name="gru_local_attention", hidden=8, layers=1, window=4, causal=causal)
        encoder = GruLocalAttentionEncoder(settings)
        differs = (encoder(frames, mask).main != encoder(changed, mask).main).any(-1)[0]
        first = 7 if causal else 5  # two layers of attention see one frame ahead each
        assert differs.tolist() == [False] * first + [True] * (12 - first)
