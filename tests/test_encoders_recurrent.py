"""GRU and LSTM: state from segment to segment, direction, dropout."""

from __future__ import annotations

import warnings

import pytest
import torch

from abaw_pipeline.models.streams import State, take
from tests.encoders import encoder, mask_of

torch.set_num_threads(1)

recurrent = pytest.mark.parametrize("name", ["gru", "lstm"])
layers = pytest.mark.parametrize("layers", [1, 2])


@recurrent
@layers
def test_segment_by_segment_equals_the_whole_clip(name: str, layers: int) -> None:
    network, clip = encoder(name, hidden=5, layers=layers, carry_state=True), torch.randn(2, 20, 5)
    whole = network(clip, mask_of(20, 20))
    parts, state = [], None
    for part in clip.split((7, 1, 7, 5), 1):
        made = network(part, mask_of(*[part.shape[1]] * 2), state)
        parts.append(made.main)
        state = take(made.state, torch.arange(2))
    torch.testing.assert_close(torch.cat(parts, 1), whole.main, atol=1e-5, rtol=0)


@recurrent
@layers
def test_state_follows_its_clip(name: str, layers: int) -> None:
    """Three clips side by side; one ends, the others change places, and a short segment is gone on from."""
    network, clips = encoder(name, hidden=5, layers=layers, carry_state=True), torch.randn(3, 12, 5)
    first = network(clips[:, :7], mask_of(7, 7, 4))
    rows = torch.tensor([2, 0])
    following = torch.stack([clips[2, 4:9], clips[0, 7:]])
    second = network(following, mask_of(5, 5), take(first.state, rows)).main
    whole = network(clips, mask_of(12, 12, 12)).main
    torch.testing.assert_close(second, torch.stack([whole[2, 4:9], whole[0, 7:]]), atol=1e-5, rtol=0)


@recurrent
@layers
def test_a_clip_begins_with_zeros(name: str, layers: int) -> None:
    network, clip = encoder(name, hidden=5, layers=layers, carry_state=True), torch.randn(1, 6, 5)
    parts = ("hidden",) if name == "gru" else ("hidden", "cell")
    zeros: State = dict.fromkeys(parts, torch.zeros(1, layers, 5))
    assert torch.equal(network(clip, mask_of(6)).main, network(clip, mask_of(6), zeros).main)


@recurrent
def test_every_part_of_the_state_goes_on(name: str) -> None:
    network, clip = encoder(name, hidden=5, layers=2, carry_state=True), torch.randn(1, 6, 5)
    before = network(clip, mask_of(6)).state
    assert set(before) == ({"hidden"} if name == "gru" else {"hidden", "cell"})
    expected = network(clip, mask_of(6), before).main
    for part, layer in ((part, layer) for part in before for layer in range(2)):
        changed = {name: value.clone() for name, value in before.items()}
        changed[part][:, layer] += 0.5
        assert not torch.allclose(network(clip, mask_of(6), changed).main, expected, atol=1e-3)


@recurrent
def test_gradients_end_at_a_segment(name: str) -> None:
    network, clip = encoder(name, hidden=5, carry_state=True), torch.randn(1, 6, 5, requires_grad=True)
    state = take(network(clip[:, :3], mask_of(3)).state, torch.tensor([0]))
    network(clip[:, 3:], mask_of(3), state).main.sum().backward()
    assert clip.grad is not None
    assert not clip.grad[:, :3].any()
    assert clip.grad[:, 3:].any(2).all()


@recurrent
@pytest.mark.parametrize("carry_state", [True, False])
def test_one_direction_is_that_of_torch(name: str, carry_state: bool) -> None:
    network, clip = encoder(name, hidden=5, layers=2, carry_state=carry_state), torch.randn(2, 6, 5)
    plain = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[name](5, 5, 2, batch_first=True)
    plain.load_state_dict(network.network.state_dict())
    torch.testing.assert_close(network(clip, mask_of(6, 6)).main, plain(clip)[0])


@recurrent
@pytest.mark.parametrize("bidirectional", [True, False])
def test_who_sees_the_future(name: str, bidirectional: bool) -> None:
    network, clip = encoder(name, hidden=5, bidirectional=bidirectional), torch.randn(1, 6, 5)
    later = clip.clone()
    later[0, 5] += 3
    before, after = (network(frames, mask_of(6)).main[0, :5] for frames in (clip, later))
    assert torch.equal(before, after) is not bidirectional


@recurrent
def test_dropout_is_between_layers(name: str) -> None:
    frames, mask = torch.randn(1, 6, 5), mask_of(6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # torch warns of dropout on a single layer
        single = encoder(name, hidden=5, dropout=0.5).train()
    assert torch.equal(single(frames, mask).main, single(frames, mask).main)
    double = encoder(name, hidden=5, layers=2, dropout=0.5).train()
    assert not torch.equal(double(frames, mask).main, double(frames, mask).main)
