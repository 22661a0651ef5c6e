"""``abaw extract`` and ``abaw join``: manifests per shard, joined to one; user errors name what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

import abaw_pipeline.datasets.index as index
from abaw_pipeline.cli import extract as extract_verb
from abaw_pipeline.cli import join as join_verb
from abaw_pipeline.features.audio.fbank import FilterBank
from abaw_pipeline.features.plan import plan_feature
from abaw_pipeline.runtime.device import choose, use_threads
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout, shard_of
from abaw_pipeline.runtime.settings import GpuSettings
from abaw_pipeline.types import Clip, Skipped
from tests.test_features_extract import _media

CLIPS = ["a", "b", "c", "d", "e"]


@dataclass
class _Run:
    """What a verb gets, without a settings file."""

    results: Path
    bins: int = 80
    shards: int = 2
    file: Path = field(default_factory=lambda: Path("config.yaml"))

    @property
    def config(self) -> Any:
        settings = {"fbank": FilterBank.Settings(extractor="fbank", bins=self.bins)}
        return SimpleNamespace(
            features=settings,
            shards=self.shards,
            batch=8,
            compile=False,
            device="cpu",
            gpus=GpuSettings(),
            plan=lambda name: plan_feature(name, settings[name], False),
        )

    def layout(self, dataset: str) -> Layout:
        return Layout(self.results, dataset)

    def device(self, what: str, threads: int | None, kind: str | None) -> None:
        """Sound needs none."""
        assert kind == "cpu"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Run:
    run = _Run(tmp_path)
    monkeypatch.setattr(index, "read_clips", lambda layout: [Clip(name, name) for name in CLIPS])
    for name in CLIPS[:-1]:
        _media(run.layout("toy"), name)
    skipped = Manifest(skipped=[Skipped("e", "media", "truncated")])
    skipped.write(run.layout("toy").media_shard(shard_of("e", 2)))
    return run


def _call(command: Any, run: _Run, *arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments), obj=run, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_shards_are_extracted_apart_and_joined(run: _Run) -> None:
    layout = run.layout("toy")
    for shard in (0, 1):
        line = _call(extract_verb.command, run, "toy", "fbank", "--shard", str(shard), "--threads", "1")
        assert line.count("\n") == 1 and "fbank" in line
        part = Manifest.read(layout.feature_shard("fbank", shard), "")
        assert set(part.clips) == {name for name in CLIPS[:-1] if shard_of(name, 2) == shard}
    assert "4 clips of 2 shards" in _call(join_verb.command, run, "toy", "fbank")
    joined = Manifest.read(layout.feature_manifest("fbank"), "")
    assert sorted(joined.clips) == CLIPS[:-1]
    assert [(row.clip, row.stage) for row in joined.skipped] == [("e", "extract")]
    assert "truncated" in joined.skipped[0].reason


def test_without_a_shard_all_are_done(run: _Run) -> None:
    assert _call(extract_verb.command, run, "toy", "fbank").count("\n") == 2
    _call(join_verb.command, run, "toy", "fbank")


def test_shards_of_other_settings_are_not_joined(run: _Run) -> None:
    _call(extract_verb.command, run, "toy", "fbank")
    run.bins = 40
    with pytest.raises(ValueError, match="abaw extract toy fbank"):
        _call(join_verb.command, run, "toy", "fbank")
    _call(extract_verb.command, run, "toy", "fbank", "--shard", "0")
    with pytest.raises(ValueError, match="abaw extract toy fbank"):
        _call(join_verb.command, run, "toy", "fbank")


def test_wrong_names_and_missing_shards_are_user_errors(run: _Run) -> None:
    with pytest.raises(ValueError, match="no feature 'fbnk'; did you mean 'fbank'"):
        _call(extract_verb.command, run, "toy", "fbnk")
    with pytest.raises(ValueError, match="shards: 2"):
        _call(extract_verb.command, run, "toy", "fbank", "--shard", "2")
    with pytest.raises(ValueError, match="abaw extract toy fbank --shard 0"):
        _call(join_verb.command, run, "toy", "fbank")


def test_devices_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert choose("auto").type == choose("cpu").type == "cpu"
    with pytest.raises(ValueError, match="no CUDA device"):
        choose("cuda")
    with pytest.raises(ValueError, match="no such device 'gpu'"):
        choose("gpu")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert choose("auto").type == choose("cuda").type == "cuda" and choose("cpu").type == "cpu"


def test_threads_are_what_was_asked_for() -> None:
    import torch

    before = torch.get_num_threads()
    try:
        assert use_threads(2) == 2 == torch.get_num_threads()
        assert use_threads(None) >= 1
    finally:
        torch.set_num_threads(before)
