"""Settings of a model that do not fit each other."""

from __future__ import annotations

import pytest

from abaw_pipeline.models.check import check_framework, check_fusion, check_head
from abaw_pipeline.models.settings import HeadSettings
from abaw_pipeline.tasks import TASKS
from tests.temporal_models import (
    FEEDBACK,
    GRU,
    MEAN_READ,
    PARTS,
    SHARE,
    TRANSFORMER,
    batch,
    encoder_of,
    framework_of,
    fusion_of,
    model,
)

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
        check_fusion(fusion_of(fusion), encoder_of(encoder), parts)
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
    check_fusion(fusion_of(fusion), encoder_of(encoder), parts)
    assert model(encoder, fusion, parts=parts)(*batch(3, parts=parts)).values["va"].shape == (1, 3, 2)


def test_a_source_head_without_hidden_layer_cannot_be_fed() -> None:
    bare, hidden = HeadSettings(), HeadSettings(hidden=[5])
    fed = framework_of(FEEDBACK | {"fed": "head"})
    check_framework(fed, encoder_of(GRU), {"au": hidden, "expr": bare})
    check_framework(framework_of(FEEDBACK), encoder_of(GRU), {"au": bare, "expr": bare})
    with pytest.raises(ValueError, match=r"framework.fed: the head of 'au' has no hidden layer"):
        check_framework(fed, encoder_of(GRU), {"au": bare, "expr": hidden})


def test_a_bottom_has_no_heads_for_its_branches() -> None:
    heads = dict.fromkeys(("au", "expr"), HeadSettings(hidden=[5]))
    check_framework(framework_of("basic"), encoder_of(MEAN_READ), heads)
    check_framework(framework_of(SHARE | {"encoder": MEAN_READ}), encoder_of(GRU), heads)
    for raw in (SHARE, FEEDBACK):
        with pytest.raises(ValueError, match=f"framework: {raw['name']} puts no head on the branches"):
            check_framework(framework_of(raw), encoder_of(MEAN_READ), heads)


def test_scores_of_classes_come_from_one_head() -> None:
    separate = HeadSettings(separate=True)
    check_head(TASKS["va"], separate)
    check_head(TASKS["expr"], HeadSettings())
    with pytest.raises(ValueError, match=r"head.separate: task 'expr' is one of classes"):
        check_head(TASKS["expr"], separate)
