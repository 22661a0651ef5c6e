"""Shapes, padding, and the settings of the temporal models."""

from __future__ import annotations

import math

import pytest
import torch

from abaw_pipeline.models.encoders.transformer import positions
from abaw_pipeline.models.heads import build_head
from abaw_pipeline.models.registry import ENCODERS
from abaw_pipeline.models.settings import GruSettings, HeadSettings, TransformerSettings
from abaw_pipeline.models.temporal import TemporalModel
from abaw_pipeline.runtime.code import PACKAGE
from abaw_pipeline.strict import parse
from abaw_pipeline.training.settings import ExperimentSettings

torch.set_num_threads(1)

GRU = GruSettings(name="gru", hidden=8, layers=2, dropout=0.2)
BOTH = GruSettings(name="gru", hidden=8, bidirectional=True)
TRANSFORMER = TransformerSettings(name="transformer", width=8, heads=2, layers=2, feedforward=16)
ENCODER_CASES = [pytest.param(e, id=f"{e.name}{n}") for n, e in enumerate((GRU, BOTH, TRANSFORMER))]


def model(encoder, head: HeadSettings | None = None, bounded: bool = True) -> TemporalModel:
    torch.manual_seed(0)
    return TemporalModel(5, 2, bounded, encoder, head or HeadSettings(hidden=[6], dropout=0.1)).eval()


@pytest.mark.parametrize("encoder", ENCODER_CASES)
def test_shape_and_range(encoder) -> None:
    frames, mask = torch.randn(3, 9, 5) * 100, torch.ones(3, 9, dtype=torch.bool)
    output = model(encoder)(frames, mask)
    assert output.shape == (3, 9, 2)
    assert output.abs().max() <= 1
    assert model(encoder, bounded=False)(frames, mask).shape == (3, 9, 2)


@pytest.mark.parametrize("encoder", ENCODER_CASES)
def test_padding_and_batch_mates_never_matter(encoder) -> None:
    network = model(encoder)
    alone = torch.randn(1, 6, 5)
    expected = network(alone, torch.ones(1, 6, dtype=torch.bool))
    for junk in (0.0, 50.0):
        frames = torch.full((3, 11, 5), junk)
        frames[1, :6] = alone[0]
        frames[2] = torch.randn(11, 5)
        mask = torch.arange(11) < torch.tensor([[1], [6], [11]])
        assert torch.allclose(network(frames, mask)[1, :6], expected[0], atol=1e-5)


@pytest.mark.parametrize(("encoder", "causal"), [(GRU, True), (BOTH, False), (TRANSFORMER, False)])
def test_who_sees_the_future(encoder, causal: bool) -> None:
    network, mask = model(encoder), torch.ones(1, 6, dtype=torch.bool)
    frames = torch.randn(1, 6, 5)
    later = frames.clone()
    later[0, 5] += 3
    same = torch.allclose(network(frames, mask)[0, :5], network(later, mask)[0, :5], atol=1e-6)
    assert same is causal


def test_transformer_knows_the_order() -> None:
    network, mask = model(TRANSFORMER), torch.ones(1, 6, dtype=torch.bool)
    frames = torch.randn(1, 6, 5)
    assert not torch.allclose(network(frames, mask).flip(1), network(frames.flip(1), mask), atol=1e-4)


def test_positions_by_formula() -> None:
    table = positions(7, 5)
    for step, column in ((0, 0), (3, 0), (3, 1), (6, 2), (6, 3), (5, 4)):
        angle = step / 10_000 ** (2 * (column // 2) / 5)
        assert table[step, column] == pytest.approx(math.cos(angle) if column % 2 else math.sin(angle), abs=1e-5)


def test_head_widths() -> None:
    def widths(settings: HeadSettings) -> list[int]:
        return [layer.out_features for layer in build_head(4, 2, settings) if isinstance(layer, torch.nn.Linear)]

    assert widths(HeadSettings()) == [2]
    assert widths(HeadSettings(hidden=[7, 3])) == [7, 3, 2]


def test_heads_must_divide_width() -> None:
    raw = {"features": ["a"], "encoder": {"name": "transformer", "width": 10, "heads": 4}}
    with pytest.raises(ValueError, match=r"config.yaml: .*encoder.*: heads \(4\) must divide width \(10\)"):
        parse(ExperimentSettings, raw, "config.yaml")


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_lies_in_the_file_of_its_name(name: str) -> None:
    # Keys follow the encoder's code by this rule, without importing torch.
    assert ENCODERS[name].__module__ == f"abaw_pipeline.models.encoders.{name}"
    assert (PACKAGE / "models" / "encoders" / f"{name}.py").is_file()
