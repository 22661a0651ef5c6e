"""Networks load what their public checkpoints hold, refuse everything else in words, and behave when random."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import save_file

from abaw_pipeline.features.weights import FileWeights, HubWeights, RandomWeights
from abaw_pipeline.networks.checkpoint import load_weights, read_state
from abaw_pipeline.networks.densenet342 import DenseNet342
from abaw_pipeline.networks.iresnet import IResNet, iresnet100
from abaw_pipeline.runtime.keys import file_digest
from tests.published import published_keys, shapes_of


def _parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _file(tmp_path: Path, state: dict[str, torch.Tensor], name: str = "weights.pth") -> FileWeights:
    torch.save(state, tmp_path / name)
    return FileWeights(source="file", path=str(tmp_path / name))


def _load(weights: FileWeights | RandomWeights | None) -> DenseNet342:
    return load_weights(DenseNet342(), weights, DenseNet342.INPUT)


@pytest.mark.parametrize(("name", "build"), [("densenet342", DenseNet342), ("ires100", iresnet100)])
def test_names_and_shapes_are_those_of_the_public_checkpoint(name: str, build: type) -> None:
    with torch.device("meta"):
        assert shapes_of(build()) == published_keys(name)


def test_densenet_bc_100_size_follows_from_its_definition() -> None:
    # 48 bottleneck layers of growth 12 on 24, 108 and 150 channels, two transitions, head of eight.
    layers = [c + 12 * i for c in (24, 108, 150) for i in range(16)]
    expected = 9 * 24 + sum(2 * c + 48 * c + 2 * 48 + 12 * 48 * 9 for c in layers)
    expected += 2 * 216 + 216 * 108 + 2 * 300 + 300 * 150 + 2 * 342 + 8 * 342 + 8
    assert _parameters(DenseNet342()) == expected


def test_feature_is_the_pooled_map_before_the_classifier() -> None:
    network = _load(RandomWeights(source="random"))
    pictures = torch.randn(2, 1, 64, 64)
    with torch.inference_mode():
        maps = network.features(pictures)
        assert maps.shape == (2, 342, 8, 8)
        torch.testing.assert_close(network(pictures), maps.clamp(min=0).mean((2, 3)))


@pytest.mark.parametrize("wrap", ["plain", "state_dict", "model", "module.", "safetensors"])
def test_usual_wrappers_are_taken_off(tmp_path: Path, wrap: str) -> None:
    source = _load(RandomWeights(source="random", seed=5))
    state = source.state_dict()
    if wrap == "safetensors":
        save_file({k: v.contiguous() for k, v in state.items()}, tmp_path / "w.safetensors")
        weights = FileWeights(source="file", path=str(tmp_path / "w.safetensors"))
    elif wrap == "module.":
        weights = _file(tmp_path, {f"module.{k}": v for k, v in state.items()})
    else:
        weights = _file(tmp_path, state if wrap == "plain" else {wrap: state, "epoch": 3})
    picture = torch.randn(1, 1, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(_load(weights)(picture), source(picture))


def test_the_command_line_that_a_training_saved_is_no_obstacle_but_other_objects_are(tmp_path: Path) -> None:
    state = DenseNet342().state_dict()
    told = {"model": state, "args": argparse.Namespace(lr=1e-3, model="mae"), "epoch": 3}
    assert read_state(Path(_file(tmp_path, told).path)).keys() == state.keys()
    with pytest.raises(ValueError, match="more than a state dict"):
        read_state(Path(_file(tmp_path, {"model": state, "args": Path("/")}).path))


def test_one_renamed_key_is_named_on_both_sides(tmp_path: Path) -> None:
    state = DenseNet342().state_dict()
    state["features.norm_last.weight"] = state.pop("features.norm3.weight")
    with pytest.raises(ValueError) as caught:
        _load(_file(tmp_path, state))
    text = str(caught.value)
    assert "1 missing, 1 unexpected, 0 mis-shaped" in text
    assert "missing: features.norm3.weight" in text and "unexpected: features.norm_last.weight" in text
    assert "renamed" in text and "\n" not in text


def test_many_wrong_keys_are_counted_and_five_are_shown(tmp_path: Path) -> None:
    state = {f"backbone.{k}": v for k, v in DenseNet342().state_dict().items()}
    with pytest.raises(ValueError, match=r"prefix 'backbone\.'") as caught:
        _load(_file(tmp_path, state))
    assert "596 unexpected" in str(caught.value)
    assert str(caught.value).count("backbone.features.") == 5


def test_foreign_network_and_other_size_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="another network"):
        _load(_file(tmp_path, {"conv1.weight": torch.zeros(3)}))
    state = DenseNet342().state_dict()
    state["classifier.weight"] = torch.zeros(7, 342)
    with pytest.raises(ValueError, match=r"classifier\.weight is 7x342, not 8x342.*number of classes"):
        _load(_file(tmp_path, state))


def test_older_files_without_batch_counters_load(tmp_path: Path) -> None:
    state = {k: v for k, v in DenseNet342().state_dict().items() if not k.endswith("num_batches_tracked")}
    _load(_file(tmp_path, state))


def test_unreadable_files_are_user_errors(tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(b"123")
    (tmp_path / "cut.pth").write_bytes(b"PK\x03\x04cut")
    torch.save(DenseNet342(), tmp_path / "whole.pth")
    for name in ("none.pth", "cut.safetensors", "cut.pth"):
        with pytest.raises(ValueError, match=name):
            _load(FileWeights(source="file", path=str(tmp_path / name)))
    with pytest.raises(ValueError, match="more than a state dict"):
        read_state(tmp_path / "whole.pth")
    with pytest.raises(ValueError, match="needs weights"):
        _load(None)


def test_declared_digest_is_verified(tmp_path: Path) -> None:
    plain = _file(tmp_path, DenseNet342().state_dict())
    digest = file_digest(Path(plain.path))
    _load(plain.model_copy(update={"sha256": digest}))
    with pytest.raises(ValueError, match="sha256"):
        _load(plain.model_copy(update={"sha256": "0" * 64}))


def test_hub_files_come_from_the_hub_or_end_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = _load(RandomWeights(source="random", seed=5))
    saved = _file(tmp_path, source.state_dict()).path
    asked: list[tuple[str, str, str]] = []

    def download(repo: str, file: str, revision: str) -> str:
        asked.append((repo, file, revision))
        if revision != "v1":
            raise LocalEntryNotFoundError("not cached,\nand the hub cannot be reached")
        return saved

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    weights = HubWeights(source="hub", repo="a/b", file="c.pth", revision="v1")
    assert torch.equal(_load(weights).classifier.weight, source.classifier.weight)
    assert asked == [("a/b", "c.pth", "v1")]
    with pytest.raises(ValueError, match=r"^hub file a/b/c\.pth@v2: not cached, and the hub"):
        _load(weights.model_copy(update={"revision": "v2"}))


def test_random_weights_depend_on_the_seed_alone() -> None:
    first = _load(RandomWeights(source="random", seed=1)).state_dict()
    torch.manual_seed(99)
    again = _load(RandomWeights(source="random", seed=1)).state_dict()
    other = _load(RandomWeights(source="random", seed=2)).state_dict()
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert not torch.equal(first["features.conv0.weight"], other["features.conv0.weight"])


def test_random_weights_do_not_depend_on_the_number_of_threads() -> None:
    found, before = [], torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(_load(RandomWeights(source="random", seed=1)).state_dict())
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for state in found[1:]:
        assert all(torch.equal(found[0][key], state[key]) for key in state)


def test_random_weights_leave_the_callers_generator_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    network = DenseNet342()
    torch.manual_seed(3)
    load_weights(network, RandomWeights(source="random"), DenseNet342.INPUT)
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize(("build", "shape"), [(DenseNet342, DenseNet342.INPUT), (iresnet100, IResNet.INPUT)])
def test_random_networks_neither_vanish_nor_explode(build: type, shape: tuple[int, int, int]) -> None:
    network = load_weights(build(), RandomWeights(source="random", seed=0), shape)
    ramp = torch.linspace(-1.5, 1.5, shape[2]).expand(shape)
    pictures = torch.stack([ramp, -ramp, ramp.flip(1).transpose(1, 2), torch.zeros(shape), torch.ones(shape)])
    with torch.inference_mode():
        output = network(pictures)
    assert 1e-2 < output.abs().mean() < 1e2 and output.abs().max() < 1e4
    assert (output[0] - output[1]).abs().mean() > 0.05 * output.abs().mean()  # different pictures, different vectors
