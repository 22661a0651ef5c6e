"""Fusions of modalities against their formulas, and what holds for each of them."""

from __future__ import annotations

import pytest
import torch

from abaw_pipeline.models.check import check
from abaw_pipeline.models.fusion.modality_dropout import ModalityDropout
from abaw_pipeline.models.parts import Part, modalities
from abaw_pipeline.models.projection import Projection
from abaw_pipeline.models.registry import FUSIONS
from abaw_pipeline.models.settings import ProjectionSettings
from tests.encoders import mask_of
from tests.temporal_models import (
    CARRYING,
    FUSED_READ,
    GRU,
    MEAN_READ,
    PARTS,
    TRANSFORMER,
    batch,
    encoder_of,
    fusion_of,
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


def test_modality_dropout_takes_out_whole_modalities_of_windows_at_its_rate() -> None:
    rate, windows = 0.4, 20_000
    drop = ModalityDropout(PARTS, rate).train()
    torch.manual_seed(0)
    frames, known = drop(torch.ones(windows, 2, 7), torch.ones(windows, 2, 3, dtype=torch.bool), mask_of(2))
    assert torch.equal(frames > 0, known.repeat_interleave(torch.tensor([3, 2, 2]), -1))
    assert torch.equal(known[..., 0], known[..., 2])
    assert torch.equal(known[:, 0], known[:, 1])
    visual, audio = known[:, 0, 0], known[:, 0, 1]
    assert (visual | audio).all()
    deviation = 4 * (rate * (1 - rate) / windows) ** 0.5
    for stays in (visual, audio):
        assert 1 - stays.float().mean().item() == pytest.approx(rate - rate**2 / 2, abs=deviation)


def test_modality_dropout_leaves_the_only_modality_that_has_values() -> None:
    drop = ModalityDropout(PARTS, 0.9).train()
    known = torch.ones(500, 3, 3, dtype=torch.bool)
    known[:, :, 1] = False
    known[:, 1:, 1] = True  # in padding, where nothing counts
    assert torch.equal(
        drop(torch.ones(500, 3, 7), known, mask_of(*[1] * 500, 3)[:500])[1][..., [0, 2]], known[..., [0, 2]]
    )


def test_modality_dropout_is_of_training_alone() -> None:
    frames, known, mask = batch(*[4] * 50)
    plain = model().fusion(frames, known, mask).main
    dropping = model(fusion={"name": "early", "modality_dropout": 0.5}).fusion
    assert torch.equal(dropping.eval()(frames, known, mask).main, plain)
    assert not torch.equal(dropping.train()(frames, known, mask).main, plain)
    alone = model(fusion={"name": "early", "modality_dropout": 0.9}, parts=PARTS[:1]).fusion.train()
    one = batch(4, 4, parts=PARTS[:1])
    assert torch.equal(alone(*one).main, alone.eval()(*one).main)


@pytest.mark.parametrize("activation", ["none", "relu", "leaky_relu"])
def test_projection_by_formula(activation: str) -> None:
    project = Projection(4, 3, ProjectionSettings(bias=False, activation=activation))
    raw = (frames := torch.randn(2, 5, 4)) @ project.layer.weight.T
    slope = {"none": 1.0, "relu": 0.0, "leaky_relu": 0.01}[activation]
    torch.testing.assert_close(project(frames, mask_of(5, 5)), raw.clamp(min=0) + slope * raw.clamp(max=0))


def test_projection_by_convolution_sees_neighbours() -> None:
    project = Projection(2, 3, ProjectionSettings(kind="conv", kernel=3))
    weight, bias = project.layer.conv.weight, project.layer.conv.bias
    before, now, after = frames = torch.randn(3, 2)
    expected = weight[..., 0] @ before + weight[..., 1] @ now + weight[..., 2] @ after + bias
    torch.testing.assert_close(project(frames[None], mask_of(3))[0, 1], expected)


def test_no_projection_lets_features_in_as_they_are() -> None:
    fusion, (frames, known, mask) = (
        model(GRU | {"hidden": 7}, {"name": "early", "projection": {"kind": "none"}}).fusion,
        batch(5),
    )
    torch.testing.assert_close(fusion(frames, known, mask).main, fusion.encoder(frames, mask).main)


WIDE = TRANSFORMER | {"width": 16}


@pytest.mark.parametrize(
    ("fusion", "encoder", "parts", "message"),
    [
        ("late", GRU, PARTS[:1], "'late' needs several modalities, there is only visual; use early"),
        ("clip_tokens", TRANSFORMER, PARTS[:1], "'clip_tokens' needs several modalities"),
        ("interaction", GRU, [PARTS[0], PARTS[2]], "'interaction' needs several modalities"),
        ("clip_tokens", GRU, PARTS, "clip_tokens cannot go with encoder 'gru'; use attention_transformer"),
        ("clip_tokens", {"name": "tcn"}, PARTS, "clip_tokens cannot go with encoder 'tcn'"),
        ({"name": "early", "projection": {"kind": "none"}}, GRU, PARTS, "as wide as its input, 7 numbers are not 6"),
        (
            {"name": "early", "projection": {"kind": "none"}, "mask_input": True},
            GRU | {"hidden": 7},
            PARTS,
            "as wide as its input, 10 numbers are not 7",
        ),
        ({"name": "late", "projection": {"kind": "none"}}, GRU | {"hidden": 5}, PARTS, "2 numbers are not 5"),
        (
            {"name": "interaction", "interaction": TRANSFORMER},
            TRANSFORMER,
            PARTS,
            "is 8 wide; 2 modalities of 8 need 16",
        ),
        ("interaction", MEAN_READ, PARTS, "no head on the branches of gru_transformer; set branch_loss: concat"),
        ({"name": "interaction", "interaction": MEAN_READ}, GRU, PARTS, "set branch_loss: concat"),
    ],
)
def test_settings_that_do_not_fit(fusion, encoder, parts, message: str) -> None:
    with pytest.raises(ValueError, match="fusion") as error:
        check(fusion_of(fusion), encoder_of(encoder), parts)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("fusion", "encoder", "parts"),
    [
        ("early", GRU, PARTS[:1]),
        ("late", GRU, PARTS),
        ("clip_tokens", TRANSFORMER, PARTS),
        ({"name": "early", "projection": {"kind": "none"}}, GRU | {"hidden": 7}, PARTS),
        ({"name": "early", "projection": {"kind": "none"}, "mask_input": True}, GRU | {"hidden": 10}, PARTS),
        ({"name": "interaction", "interaction": WIDE}, TRANSFORMER, PARTS),
        ({"name": "interaction", "interaction": WIDE}, GRU | {"hidden": 8}, PARTS),
    ],
)
def test_settings_that_fit_make_a_model(fusion, encoder, parts) -> None:
    check(fusion_of(fusion), encoder_of(encoder), parts)
    assert model(encoder, fusion, parts=parts)(*batch(3, parts=parts)).values["va"].shape == (1, 3, 2)


@pytest.mark.parametrize(
    ("raw", "message"),
    [({"kind": "conv", "kernel": 4}, "must be odd"), ({"kind": "none", "activation": "relu"}, "no activation")],
)
def test_projections_that_cannot_be(raw, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ProjectionSettings(**raw)
