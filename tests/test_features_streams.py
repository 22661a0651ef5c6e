"""Extraction as a stream: memory, writing beside the computing, kills, and everything that may be missing of a clip."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import pytest
import torch

from abaw_pipeline.features.array_writer import SHARD_ROWS
from abaw_pipeline.features.base import ExtractorSettings, Rows, Samples, Spec
from abaw_pipeline.features.extract import extract
from abaw_pipeline.features.plan import FeaturePlan, plan_feature
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.features.remake import PICTURES, Remake
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.media.store import Faces
from abaw_pipeline.runtime.journal import Journal
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.storage import CannotWrite
from abaw_pipeline.runtime.temporaries import sweep
from abaw_pipeline.types import Clock, FrameTable
from tests.media_fixtures import write_media
from tests.test_features_extract import _clips, _media

RATE = 16_000
CODE = ("features.audio.fbank",)


class _Toy:
    """Base of extractors that are no part of the package."""

    source: Any
    dimension = 3

    class Settings(ExtractorSettings):
        extractor: Literal["toy"]

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @classmethod
    def spec(cls, settings: Settings) -> Spec:
        return Spec("visual", cls.source, cls.dimension, "float32", CODE, unit_s=0.1 * (cls.source == "sound"))

    def load(self, device: torch.device) -> None:
        self.device = device


class _Picture(_Toy):
    """Mean of each colour."""

    source = "faces"

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        return picture[:8, :8].transpose(2, 0, 1).astype(np.float32)

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        assert torch.is_inference_mode_enabled()
        return batch.mean((2, 3))


class _Loud(_Toy):
    """Two hundred copies of the mean amplitude of every tenth of a second; reads a minute at a time."""

    source, dimension = "sound", 200

    def describe(self, samples: Samples) -> Iterator[Rows]:
        hop, rows = RATE // 10, len(samples) * 10 // RATE
        for first in range(0, rows, 600):
            last = min(first + 600, rows)
            means = np.abs(samples[first * hop : last * hop]).reshape(-1, hop).mean(1, dtype=np.float32)
            yield np.repeat(means[:, None], self.dimension, 1), np.arange(first, last) / 10 + 0.05


class _Spoken(_Toy):
    """The number of each frame; nothing at all for a clip whose name says so."""

    source = "files"

    @staticmethod
    def content(settings: ExtractorSettings, clip: str, memory: Path | None = None) -> str:
        return clip

    def table(self, clip: str, clock: Clock) -> FrameTable:
        numbers = np.repeat(np.arange(len(clock), dtype=np.float32)[:, None], 3, 1)
        return FrameTable(numbers, np.ones(len(clock), bool))


def _plan(monkeypatch: pytest.MonkeyPatch, toy: type[_Toy], name: str = "toy") -> FeaturePlan:
    monkeypatch.setitem(EXTRACTORS, "toy", toy)
    return plan_feature(name, toy.Settings(extractor="toy"), False)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path, "toy")


def _sound(layout: Layout, clip: str, samples: np.ndarray, start_s: float = 0.0) -> None:
    heard = np.array([[0, len(samples)]] if len(samples) else np.empty((0, 2)), np.int64)
    write_media(layout.sound(clip), {"samples": samples, "heard": heard}, start_s=start_s, present=len(samples) > 0)


def _odd_clips(layout: Layout) -> list[str]:
    """Everything that may be missing of a clip."""
    tone = np.sin(np.arange(2 * RATE) / 9).astype(np.float32)
    for clip in ("mute", "silent", "late", "faceless", "one", "short", "whole"):
        _media(layout, clip, frames=1 if clip == "one" else 50)
        _sound(layout, clip, tone)
    _sound(layout, "mute", tone[:0])
    _sound(layout, "silent", 0 * tone)
    _sound(layout, "late", tone, start_s=1.0)
    _sound(layout, "short", tone[: RATE // 20])
    nothing = {"jpeg": np.empty(0, np.uint8), "offsets": np.zeros(51, int), "valid": np.zeros(50, bool)}
    write_media(layout.faces("faceless"), nothing, aligned="box")
    return ["mute", "silent", "late", "faceless", "one", "short", "whole"]


@pytest.mark.parametrize("toy", [_Picture, _Loud, _Spoken])
def test_whatever_is_missing_is_marked(layout: Layout, monkeypatch: pytest.MonkeyPatch, toy: type[_Toy]) -> None:
    clips = _odd_clips(layout)
    manifest = extract(_plan(monkeypatch, toy), _clips(*clips), layout)
    assert set(manifest.clips) == set(clips) and not manifest.skipped
    valid = {}
    for clip in clips:
        table = FeatureStore(layout.feature_store("toy")).read(clip)
        assert table.values.shape == (1 if clip == "one" else 50, toy.dimension)
        assert np.isfinite(table.values).all() and not table.values[~table.valid].any()
        valid[clip] = int(table.valid.sum())
    if toy is _Loud:
        assert valid["mute"] == 0 and valid["short"] == 0 and valid["late"] == 25 and valid["silent"] == 50
    if toy is _Picture:
        assert valid["faceless"] == 0 and 20 < valid["whole"] < 50
    assert toy is _Loud or valid["mute"] == valid["short"] == valid["whole"]


def test_a_table_alone_is_the_one_in_the_store(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = _odd_clips(layout)
    for toy in (_Picture, _Loud, _Spoken):
        plan = _plan(monkeypatch, toy, toy.__name__)
        extract(plan, _clips(*clips), layout)
        for clip in clips:
            kept = FeatureStore(layout.feature_store(plan.name)).read(clip)
            made = Remake(plan, layout, None).table(clip)
            np.testing.assert_allclose(kept.values, made.values, atol=1e-6)
            np.testing.assert_array_equal(kept.valid, made.valid)
    with pytest.raises(ValueError, match="abaw media"):
        Remake(plan, layout, None).table("unknown")


def test_a_new_source_of_pictures_is_one_line(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    class Whole(_Picture):
        source = "frames"

    _media(layout, "a")
    monkeypatch.setitem(PICTURES, "frames", Faces)
    monkeypatch.setattr("abaw_pipeline.features.extract.clip_key", lambda plan, clip, contents: plan.key + clip)
    assert extract(_plan(monkeypatch, Whole), _clips("a"), layout).clips["a"]["rows"] == 30


def test_memory_does_not_grow_with_the_clip(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sound of 10 and of 60 minutes, both longer than a shard of the store."""
    peaks = []
    plan = _plan(monkeypatch, _Loud)
    for clip, seconds in (("warm", 5), ("short", 600), ("long", 3600)):
        write_media(layout.clock(clip), {"times": np.arange(seconds * 25) / 25})
        _sound(layout, clip, np.zeros(0, np.float32))
        with h5py.File(layout.sound(clip), "r+") as file:
            del file["samples"], file["heard"]
            file.create_dataset("samples", (seconds * RATE,), "f4", chunks=(1 << 16,), fillvalue=0.1)
            file["heard"] = np.array([[0, seconds * RATE]])
        write_media(layout.faces(clip), {"valid": np.zeros(1, bool)})
        tracemalloc.start()
        assert extract(plan, _clips(clip), layout).clips[clip]["valid"] == seconds * 25 > (clip != "warm") * SHARD_ROWS
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.3 * peaks[1], peaks


def test_one_clip_is_written_while_the_next_is_computed(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second clip's first row waits until the first clip lies in the store."""
    store = FeatureStore(layout.feature_store("toy"))

    class Patient(_Spoken):
        def table(self, clip: str, clock: Clock) -> FrameTable:
            for _ in range(1000):
                if clip == "a" or store.key("a"):
                    return super().table(clip, clock)
                time.sleep(0.02)
            raise AssertionError("the first clip was never written")

    for clip in "ab":
        _media(layout, clip)
    assert set(extract(_plan(monkeypatch, Patient), _clips("a", "b"), layout).clips) == {"a", "b"}


@pytest.mark.parametrize("fault", [CannotWrite(Path("x"), 28, "0 B free"), RuntimeError("zarr is broken")])
def test_what_stops_the_writing_stops_the_stage_and_keeps_what_is_finished(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    clips = [f"c{number}" for number in range(30)]
    for clip in clips:
        _media(layout, clip)
    write = FeatureStore.write_blocks

    def failing(self: FeatureStore, clip: str, tables: Any, *rest: Any) -> str:
        if clip == "c3":
            next(tables)
            raise fault
        return write(self, clip, tables, *rest)

    plan = _plan(monkeypatch, _Picture)
    with monkeypatch.context() as patch:
        patch.setattr(FeatureStore, "write_blocks", failing)
        with pytest.raises(type(fault)):
            extract(plan, _clips(*clips), layout)
    assert FeatureStore(layout.feature_store("toy")).clips() == ["c0", "c1", "c2"]
    assert set(extract(plan, _clips(*clips), layout).clips) == set(clips)


def test_what_stops_the_network_keeps_the_clips_before(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    class Breaks(_Spoken):
        def table(self, clip: str, clock: Clock) -> FrameTable:
            if clip == "d":
                raise RuntimeError("the network broke")
            return super().table(clip, clock)

    for clip in "abcd":
        _media(layout, clip)
    with pytest.raises(RuntimeError, match="the network broke"):
        extract(_plan(monkeypatch, Breaks), _clips(*"abcd"), layout)
    assert FeatureStore(layout.feature_store("toy")).clips() == ["a", "b", "c"]
    assert not list(layout.feature_store("toy").glob(".tmp*"))


def _extract_until(layout: Layout, kill_in: str) -> None:
    """Extract four clips, in a process that is killed in the middle of one, when the one before was finished."""
    path, read = layout.journal("extract", "toy-0"), Faces.picture

    def picture(self: Faces, index: int) -> np.ndarray:
        if kill_in and kill_in == self._path.parent.name and index > len(self) // 2:
            while f'"did": "{chr(ord(kill_in) - 1)}"' not in path.read_text():
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGKILL)
        return read(self, index)

    Faces.picture = picture  # type: ignore[method-assign]
    EXTRACTORS["toy"] = _Picture
    plan = plan_feature("toy", _Picture.Settings(extractor="toy"), False)
    extract(plan, _clips(*"abcd"), layout, journal=Journal(path))


def test_a_killed_extraction_repeats_the_clip_it_was_in(layout: Layout) -> None:
    for clip in "abcd":
        _media(layout, clip, frames=120)
    code = (
        "import sys; from pathlib import Path; from tests.test_features_streams import _extract_until, Layout; "
        "_extract_until(Layout(Path(sys.argv[1]), 'toy'), sys.argv[2])"
    )
    ended = [
        subprocess.run([sys.executable, "-c", code, str(layout.results), kill_in], timeout=120).returncode
        for kill_in in ("b", "c", "")
    ]
    assert ended == [-signal.SIGKILL, -signal.SIGKILL, 0]
    store = FeatureStore(layout.feature_store("toy"))
    assert store.clips() == list("abcd") and all(len(store.read(clip).valid) == 120 for clip in "abcd")
    journal = layout.journal("extract", "toy-0").read_text().splitlines()
    assert Counter(entry["did"] for entry in map(json.loads, journal) if "did" in entry) == Counter("abcd")
    assert [json.loads(line).get("begin") for line in journal if "begin" in line] == [4, 3, 2]
    sweep(layout.results)
    assert not list(layout.results.rglob(".tmp-*"))
