"""The whole temporal model: shapes, ranges, order of frames."""

from __future__ import annotations

import pytest
import torch

from abaw_pipeline.models.registry import FUSIONS
from abaw_pipeline.runtime.code import PACKAGE
from abaw_pipeline.strict import parse
from abaw_pipeline.training.settings import ExperimentSettings
from tests.temporal_models import FUSED_READ, GRU, MEAN_READ, TRANSFORMER, batch, model, target

torch.set_num_threads(1)

BOTH = GRU | {"bidirectional": True}


@pytest.mark.parametrize("encoder", [GRU, BOTH, TRANSFORMER, MEAN_READ, FUSED_READ], ids=lambda raw: raw["name"])
def test_shape_and_range(encoder) -> None:
    frames, known, mask = batch(9, 9, 9)
    targets = {"va": target(), "emotion": target(8, activation="none"), "eri": target(7, 7, "sigmoid", "clip")}
    said = model(encoder, targets=targets)(frames * 100, known, mask)
    assert {name: value.shape for name, value in said.values.items()} == {
        "va": (3, 9, 2),
        "emotion": (3, 9, 8),
        "eri": (3, 7),
    }
    assert said.values["va"].abs().max() <= 1
    assert said.values["eri"].min() >= 0 and said.values["eri"].max() <= 1
    assert {term.scores.shape for term in said.terms["eri"]} == {(3, 14)}


@pytest.mark.parametrize(("encoder", "causal"), [(GRU, True), (BOTH, False), (TRANSFORMER, False)])
def test_who_sees_the_future(encoder, causal: bool) -> None:
    network, (frames, known, mask) = model(encoder), batch(6)
    later = frames.clone()
    later[0, 5] += 3
    now, then = (network(seen, known, mask).values["va"][0, :5] for seen in (frames, later))
    assert torch.allclose(now, then, atol=1e-6) is causal


def test_transformer_knows_the_order() -> None:
    network, (frames, known, mask) = model(TRANSFORMER), batch(6)
    forward, backward = network(frames, known, mask), network(frames.flip(1), known.flip(1), mask)
    assert not torch.allclose(forward.values["va"].flip(1), backward.values["va"], atol=1e-4)


@pytest.mark.parametrize(("encoder", "task_encoder"), [(GRU, TRANSFORMER), (TRANSFORMER, MEAN_READ)])
@pytest.mark.parametrize("framework", ["share_bottom", "feedback"])
def test_it_learns_in_mixed_precision(encoder, task_encoder, framework: str) -> None:
    settings = {"name": framework, "encoder": task_encoder}
    settings |= {"source": "au", "target": "va"} if framework == "feedback" else {}
    network = model(encoder, "interaction", settings, {"va": target(), "au": target(3, activation="none")}).train()
    frames, known, mask = batch(9, 4)
    exact = network(frames, known, mask)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network(frames, known, mask)
    for task, value in rounded.values.items():
        torch.testing.assert_close(value.float()[mask], exact.values[task][mask], atol=0.1, rtol=0.1)
    sum(value.float().square().mean() for value in rounded.values.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_a_task_may_bear_any_name() -> None:
    network = model(targets={"train": target(), "my.table": target(3)})
    assert set(network(*batch(2)).values) == {"train", "my.table"}


def test_buffers_are_no_weights() -> None:
    network = model(fusion={"name": "late", "modality_dropout": 0.5})
    assert set(network.state_dict()) == {name for name, _ in network.named_parameters()}


@pytest.mark.parametrize("fusion", FUSIONS)
def test_sizes_are_known_without_memory(fusion: str) -> None:
    with torch.device("meta"):
        sizes = {name: value.shape for name, value in model(TRANSFORMER, fusion).state_dict().items()}
    assert sizes == {name: value.shape for name, value in model(TRANSFORMER, fusion).state_dict().items()}


def test_heads_must_divide_width() -> None:
    raw = {"features": ["a"], "encoder": {"name": "transformer", "width": 10, "heads": 4}}
    with pytest.raises(ValueError, match=r"config.yaml: .*encoder.*: heads \(4\) must divide width \(10\)"):
        parse(ExperimentSettings, raw, "config.yaml")


@pytest.mark.parametrize("name", FUSIONS)
def test_a_fusion_lies_in_the_file_of_its_name(name: str) -> None:
    # Keys follow the fusion's code by this rule, without importing torch.
    assert FUSIONS[name].__module__ == f"abaw_pipeline.models.fusion.{name}"
    assert (PACKAGE / "models" / "fusion" / f"{name}.py").is_file()
