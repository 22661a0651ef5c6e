"""The precision in which networks compute: chosen by the device, or by the settings, whose choice counts; and noted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from abaw_pipeline.features.compute import Embedder, inference
from abaw_pipeline.features.extract import extract
from abaw_pipeline.features.plan import FeaturePlan, plan_feature
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.runtime.device import precision
from abaw_pipeline.runtime.paths import Layout
from tests.test_features_extract import _clips, _media

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def _plan(extractor: str, asked: str, **raw: Any) -> FeaturePlan:
    return plan_feature(extractor, EXTRACTORS[extractor].Settings(extractor=extractor, **raw), True, precision=asked)


def _densenet(asked: str) -> FeaturePlan:
    return _plan("densenet", asked, weights={"source": "random"})


def test_a_named_precision_counts_where_there_is_a_network() -> None:
    named = [_densenet(asked) for asked in ("auto", "float32", "bfloat16")]
    assert len({plan.key for plan in named}) == 3
    assert [plan.about["settings"] for plan in named] == [{}, {"precision": "float32"}, {"precision": "bfloat16"}]
    settings = EXTRACTORS["densenet"].Settings(extractor="densenet", weights={"source": "random"})
    assert plan_feature("densenet", settings, True).key == named[0].key
    assert len({_plan("fbank", asked).key for asked in ("auto", "float32", "bfloat16")}) == 1


@pytest.mark.parametrize(("capability", "found"), [((7, 5), "float32"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")])
def test_auto_goes_by_what_the_gpu_is_fast_at(
    capability: tuple[int, int], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert precision("auto", GPU) == found
    assert precision("auto", CPU) == "float32"
    assert precision("bfloat16", CPU) == precision("bfloat16", GPU) == "bfloat16"
    assert precision("float32", GPU) == "float32"


def test_what_was_computed_with_is_noted_and_hardly_changes_values(tmp_path: Path) -> None:
    layout, tables = Layout(tmp_path, "toy"), []
    _media(layout, "a", frames=12)
    for asked, used in (("auto", "float32"), ("bfloat16", "bfloat16")):
        entry = extract(_densenet(asked), _clips("a"), layout).clips["a"]
        store = FeatureStore(layout.feature_store("densenet"))
        assert entry["precision"] == (store.attributes("a") or {})["precision"] == used
        tables.append(store.read("a", entry["key"]).values.astype(np.float32))
    assert 0 < np.abs(tables[0] - tables[1]).mean() < 0.05 * np.abs(tables[0]).mean()
    assert extract(_plan("fbank", "bfloat16"), _clips("a"), layout).clips["a"]["precision"] == "float32"


def test_tables_from_before_it_was_noted_were_float32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout, plan = Layout(tmp_path, "toy"), _plan("fbank", "auto")
    _media(layout, "a")
    first = extract(plan, _clips("a"), layout)
    whole = FeatureStore.attributes

    def older(self: FeatureStore, clip: str) -> dict[str, Any]:
        return {name: value for name, value in (whole(self, clip) or {}).items() if name != "precision"}

    monkeypatch.setattr(FeatureStore, "attributes", older)
    assert extract(plan, _clips("a"), layout) == first


def test_networks_run_without_gradients_in_their_precision() -> None:
    weights = torch.ones(4, 4, requires_grad=True)
    for asked, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        with inference(CPU, asked):
            product = torch.ones(2, 4) @ weights
        assert product.dtype == dtype and not product.requires_grad


class _Convolution:
    """One convolution; notes the memory layout it meets."""

    def __init__(self) -> None:
        self.network = torch.nn.Conv2d(3, 5, 3)
        self.last: list[bool] = []

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        self.last += [part.is_contiguous(memory_format=torch.channels_last) for part in (batch, self.network.weight)]
        return self.network(batch).mean((2, 3))


def test_channels_lie_last_and_the_network_is_compiled_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[Any] = []
    monkeypatch.setattr(torch, "compile", lambda function: compiled.append(function) or function)
    for on_demand in (False, True):
        extractor: Any = _Convolution()
        inputs = torch.randn(4, 3, 8, 8)
        features = Embedder(extractor, 5, CPU, "float32", on_demand).launch(inputs)()
        assert extractor.last == [True, True] and features.dtype == np.float32
        np.testing.assert_allclose(features, extractor.network(inputs).mean((2, 3)).detach(), atol=1e-5)
        assert compiled == [extractor.embed] * on_demand
