"""The cross-attention of PosterV2 is what its paper writes down."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from abaw_pipeline.networks.window_attention import CrossAttention, FeedForward, Window, merge, partition


def _attention() -> CrossAttention:
    """Eight channels, windows of 3 x 3, two heads, seeded."""
    torch.manual_seed(0)
    attention = CrossAttention(8, 3, 2)
    nn.init.normal_(attention.relative_position_bias_table)
    return attention


def test_windows_are_squares_of_the_map_and_join_to_it_again() -> None:
    maps = torch.arange(2 * 6 * 9).reshape(2, 6, 9, 1).expand(-1, -1, -1, 5)
    windows = partition(maps, 3)
    assert windows.shape == (2 * 2 * 3, 9, 5)
    assert torch.equal(windows[1, :, 0].reshape(3, 3), maps[0, :3, 3:6, 0])
    assert torch.equal(windows[6 + 3, :, 0].reshape(3, 3), maps[1, 3:, :3, 0])
    assert torch.equal(merge(windows, 3, 6, 9), maps)


def _bias(table: np.ndarray, side: int) -> np.ndarray:
    """``(L, L)``: for every query and key, the row of one head's table that belongs to their displacement."""
    found = np.zeros((side**2, side**2))
    for query, key in np.ndindex(*found.shape):
        down, right = query // side - key // side, query % side - key % side
        found[query, key] = table.reshape(2 * side - 1, 2 * side - 1)[down + side - 1, right + side - 1]
    return found


def test_cross_attention_is_its_formula() -> None:
    """Against softmax(q kᵀ / √d + b) v written out in float64, window by window and head by head."""
    side, heads, channels = 3, 2, 8
    attention, windows, queries = _attention(), torch.randn(4, side**2, channels), torch.randn(2, side**2, channels)
    with torch.inference_mode():
        found = attention(windows, queries).numpy()
    p = {name: value.detach().double().numpy() for name, value in attention.named_parameters()}
    width, mixed = channels // heads, np.zeros((4, side**2, channels))
    for window, head in np.ndindex(4, heads):
        part = slice(head * width, (head + 1) * width)
        tokens = windows[window].double().numpy() @ p["qkv.weight"].T + p["qkv.bias"]
        k, v = tokens[:, :channels][:, part], tokens[:, channels:][:, part]
        q = queries[window // 2].double().numpy()[:, part]
        shares = np.exp(q @ k.T / np.sqrt(width) + _bias(p["relative_position_bias_table"][:, head], side))
        mixed[window][:, part] = shares / shares.sum(1, keepdims=True) @ v
    np.testing.assert_allclose(found, mixed @ p["proj.weight"].T + p["proj.bias"], atol=1e-5)


def test_cross_attention_runs_in_half_precision() -> None:
    attention, windows, queries = _attention(), torch.randn(4, 9, 8), torch.randn(2, 9, 8)
    with torch.inference_mode():
        exact = attention(windows, queries)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = attention(windows, queries.bfloat16())
    assert rounded.dtype == torch.bfloat16
    torch.testing.assert_close(rounded.float(), exact, atol=0.03, rtol=0.03)


def test_the_residual_is_the_normalised_map() -> None:
    maps = 3 + 2 * torch.randn(1, 4, 6, 6)
    windows, normalised = Window(4, 3)(maps)
    torch.testing.assert_close(normalised, nn.functional.layer_norm(maps.permute(0, 2, 3, 1), (4,)))
    feed = FeedForward(4, 3)
    nn.init.zeros_(feed.gamma2)
    torch.testing.assert_close(feed(windows, normalised), 2 * normalised.permute(0, 3, 1, 2))
