"""From features to the width of an encoder."""

from __future__ import annotations

import pytest
import torch

from abaw_pipeline.models.projection import Projection
from abaw_pipeline.models.settings import ProjectionSettings
from tests.encoders import mask_of
from tests.temporal_models import GRU, batch, model

torch.set_num_threads(1)


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


@pytest.mark.parametrize(
    ("raw", "message"),
    [({"kind": "conv", "kernel": 4}, "must be odd"), ({"kind": "none", "activation": "relu"}, "no activation")],
)
def test_projections_that_cannot_be(raw, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ProjectionSettings(**raw)
