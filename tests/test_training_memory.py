"""What a training asks for follows from the manifests of its features."""

from __future__ import annotations

import pytest

from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.training import memory
from abaw_pipeline.training.memory import BASE_MB, FACTOR, Extent, manifests_mb, training_mb


def manifest(path, rows, dimension, dtype="float16"):
    clips = {f"c{number}": {"rows": count} for number, count in enumerate(rows)}
    Manifest({"spec": {"dimension": dimension, "dtype": dtype}}, clips).write(path)
    return str(path)


def test_three_million_frames_of_two_thousand_numbers_are_twelve_gigabytes():
    features = [Extent(3_000_000, 1200, 2), Extent(3_000_000, 800, 2)]
    assert training_mb(features) == BASE_MB + FACTOR * 12_000


def test_one_float32_feature_widens_the_table():
    assert training_mb([Extent(10**6, 1000, 2), Extent(10**6, 100, 4)]) == BASE_MB + FACTOR * 4400


def test_manifests_are_summed_and_read_again_only_when_they_change(tmp_path, monkeypatch):
    paths = [manifest(tmp_path / "a.json", [10**6, 5 * 10**5], 100), manifest(tmp_path / "b.json", [15 * 10**5], 300)]
    read = []
    monkeypatch.setattr(memory.json, "loads", lambda text, real=memory.json.loads: read.append(1) or real(text))
    for _ in range(100):
        assert manifests_mb(paths) == BASE_MB + FACTOR * 1200
    assert len(read) == 2
    manifest(tmp_path / "b.json", [25 * 10**5], 300)
    assert manifests_mb(paths) == BASE_MB + FACTOR * 2000 and len(read) == 3


def test_a_missing_manifest_is_named_as_snakemake_names_its_input(tmp_path):
    path = str(tmp_path / "later.json")
    with pytest.raises(FileNotFoundError) as caught:
        manifests_mb([path])
    assert caught.value.filename == path
