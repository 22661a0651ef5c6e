"""Fusions of modalities against their formulas, and what holds for each of them."""

from __future__ import annotations

import pytest
import torch

from abaw_pipeline.models.parts import Part, modalities
from abaw_pipeline.models.registry import FUSIONS
from tests.encoders import mask_of
from tests.temporal_models import (
    CARRYING,
    FUSED_READ,
    GRU,
    MEAN_READ,
    TRANSFORMER,
    batch,
    in_segments,
    model,
)

torch.set_num_threads(1)

THREE = [Part("pose", "visual", 2), Part("words", "text", 3), Part("face", "visual", 3), Part("sound", "audio", 2)]
CASES = [(fusion, raw) for fusion in FUSIONS for raw in (GRU, TRANSFORMER) if (fusion, raw) != ("clip_tokens", GRU)]
every_fusion = pytest.mark.parametrize(
    ("fusion", "encoder"), CASES, ids=lambda raw: raw if str(raw) == raw else raw["name"]
)


def _visual(frames: torch.Tensor) -> torch.Tensor:
    return torch.cat([frames[..., :3], frames[..., 5:]], -1)


def _audio(frames: torch.Tensor) -> torch.Tensor:
    return frames[..., 3:5]


def test_modalities_stand_in_the_order_of_their_first_feature() -> None:
    found = [(kind.name, kind.places, kind.dimension) for kind in modalities(THREE)]
    assert found == [("visual", (0, 2), 5), ("text", (1,), 3), ("audio", (3,), 2)]


@pytest.mark.parametrize("mask_input", [False, True])
def test_early_fusion_by_formula(mask_input: bool) -> None:
    fusion, (frames, known, mask) = model(fusion={"name": "early", "mask_input": mask_input}).fusion, batch(7, 4)
    weight, bias = fusion.projection.layer.weight, fusion.projection.layer.bias
    inputs = torch.cat([frames, known.float()], -1) if mask_input else frames
    expected = fusion.encoder(inputs @ weight.T + bias, mask)
    torch.testing.assert_close(fusion(frames, known, mask).main, expected.main)


@pytest.mark.parametrize("encoder", [GRU, MEAN_READ, FUSED_READ], ids=lambda raw: raw["name"])
def test_late_fusion_is_each_encoder_called_alone(encoder) -> None:
    fusion, (frames, known, mask) = model(encoder, "late").fusion, batch(7, 4)
    alone = [
        encode(project(part, mask), mask)
        for encode, project, part in zip(
            fusion.encoders, fusion.projections, (_visual(frames), _audio(frames)), strict=True
        )
    ]
    made = fusion(frames, known, mask)
    assert made.main.shape[-1] == fusion.width
    torch.testing.assert_close(made.main, torch.cat([one.main for one in alone], -1))
    assert {name: stream.shape[-1] for name, stream in made.branches.items()} == fusion.branches
    for name, stream in made.branches.items():
        torch.testing.assert_close(stream, torch.cat([one.branches[name] for one in alone], -1))


def test_late_fusion_knows_gaps_of_its_own_features() -> None:
    fusion, (frames, known, mask) = model(fusion={"name": "late", "mask_input": True}).fusion, batch(7)
    visual, audio = (project.layer for project in fusion.projections)
    seen = torch.cat([_visual(frames), known[..., [0, 2]].float()], -1)
    heard = torch.cat([_audio(frames), known[..., [1]].float()], -1)
    alone = [
        encode(layer(part), mask).main
        for encode, layer, part in zip(fusion.encoders, (visual, audio), (seen, heard), strict=True)
    ]
    torch.testing.assert_close(fusion(frames, known, mask).main, torch.cat(alone, -1))


def test_interaction_by_formula() -> None:
    raw = TRANSFORMER | {"name": "attention_transformer"}
    conv = {"name": "interaction", "projection": {"kind": "conv"}, "width": 5}
    fusion, (frames, known, mask) = model(raw, conv).fusion, batch(7, 4)
    visual, audio = (
        p(part, mask) for p, part in zip(fusion.projections, (_visual(frames), _audio(frames)), strict=True)
    )
    g_cat = torch.cat([e(part, mask).main for e, part in zip(fusion.encoders, (visual, audio), strict=True)], -1)
    g_av = fusion.interaction(torch.cat([visual, audio], -1), mask).main
    assert g_cat.shape[-1] == g_av.shape[-1] == 6 * 8
    each, every = fusion.from_each[0], fusion.from_all[0]
    expected = torch.cat([g_cat @ each.weight.T + each.bias, g_av @ every.weight.T + every.bias], -1).relu()
    torch.testing.assert_close(fusion(frames, known, mask).main, expected)
    assert fusion.width == 10


@pytest.mark.parametrize("encoder", [TRANSFORMER, FUSED_READ], ids=lambda raw: raw["name"])
def test_clip_tokens_by_formula(encoder) -> None:
    fusion, (frames, known, mask) = (
        model(encoder, {"name": "clip_tokens", "mask_input": True}, parts=THREE).fusion,
        batch(7, 4, parts=THREE),
    )
    made = fusion(frames, known, mask)
    for window, length in enumerate((7, 4)):
        own, has = frames[window, :length], known[window, :length]
        text = own[has[:, 1], 2:5].mean(0)
        audio = own[has[:, 3], 8:].mean(0)
        rows = [
            project.layer(torch.cat([row, torch.ones(1)]))
            for project, row in zip(fusion.of_rows, (text, audio), strict=True)
        ]
        visual = fusion.projection.layer(torch.cat([own[:, :2], own[:, 5:8], has[:, [0, 2]].float()], -1))
        alone = fusion.encoder(torch.cat([torch.stack(rows), visual])[None], mask_of(length + 2))
        torch.testing.assert_close(made.main[window, :length], alone.main[0, 2:])
        for name, stream in made.branches.items():
            torch.testing.assert_close(stream[window, :length], alone.branches[name][0, 2:])


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_a_row_for_a_clip_is_a_layer_even_beside_a_convolution(kind: str) -> None:
    fusion = model(TRANSFORMER, {"name": "clip_tokens", "projection": {"kind": kind}}).fusion
    assert [tuple(project.layer.weight.shape) for project in fusion.of_rows] == [(8, 2)]


@every_fusion
def test_padding_and_batch_mates_never_matter(fusion: str, encoder) -> None:
    network = model(encoder, {"name": fusion, "mask_input": True, "projection": {"kind": "conv"}})
    alone, has, _ = batch(6)
    expected = network(alone, has, mask_of(6)).values["va"]
    for junk in (0.0, 50.0):
        frames, known, _ = batch(11, 11, 11)
        frames[1, 6:], known[1, 6:] = junk, junk > 0
        frames[1, :6], known[1, :6] = alone[0], has[0]
        said = network(frames, known, mask_of(1, 6, 11)).values["va"]
        torch.testing.assert_close(said[1, :6], expected[0], atol=1e-5, rtol=0)


@every_fusion
def test_a_window_of_one_frame_and_a_modality_without_any_value(fusion: str, encoder) -> None:
    network = model(encoder, {"name": fusion, "modality_dropout": 0.5})
    for lengths in ((1,), (5, 3)):
        frames, known, mask = batch(*lengths)
        for absent in ([1], [0, 2], [0, 1, 2]):
            has = known.clone()
            has[..., absent] = False
            seen = frames * has.repeat_interleave(torch.tensor([3, 2, 2]), -1)
            for training in (False, True):
                said = network.train(training)(seen, has, mask).values["va"]
                assert said[mask].isfinite().all()
                said[mask].sum().backward()
                assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


@every_fusion
def test_gradient_reaches_every_parameter(fusion: str, encoder) -> None:
    network = model(encoder, {"name": fusion, "mask_input": True}).train()
    said = network(*batch(9, 9, 5)).values["va"]
    (said * torch.randn_like(said)).sum().backward()
    assert not [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]


@every_fusion
def test_gaps_are_seen_on_request_alone(fusion: str, encoder) -> None:
    frames, known, mask = batch(6)
    other = known.clone()
    other[0, :, 0] = ~other[0, :, 0]
    for asked in (False, True):
        network = model(encoder, {"name": fusion, "mask_input": asked})
        same = torch.equal(network(frames, known, mask).values["va"], network(frames, other, mask).values["va"])
        assert same is not asked


@pytest.mark.parametrize("fusion", ["early", "late", "interaction"])
@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_segment_by_segment_equals_the_whole(fusion: str, name: str) -> None:
    network, (frames, known, mask) = model(CARRYING | {"name": name, "layers": 2}, fusion), batch(11, 11)
    assert network.carries_state
    whole = network(frames, known, mask)
    apart, state = in_segments(network, frames, known, 4)
    torch.testing.assert_close(apart["va"], whole.values["va"], atol=1e-5, rtol=0)
    assert set(state) == set(whole.state)
    for part, value in whole.state.items():
        torch.testing.assert_close(state[part], value, atol=1e-5, rtol=0)


def test_state_of_late_fusion_names_modalities() -> None:
    network = model(CARRYING, "late")
    assert set(network(*batch(3)).state) == {"fusion.visual.hidden", "fusion.audio.hidden"}
    assert not model(GRU, "late").carries_state
