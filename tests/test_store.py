"""The store: what went in comes out, wrong keys and values are refused, half-written groups do not exist."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from abaw_pipeline.features.store import ArrayStore, FeatureStore
from abaw_pipeline.runtime.names import escape, unescape
from abaw_pipeline.types import FrameTable


def _table(rows: int = 5, columns: int = 3, seed: int = 0) -> FrameTable:
    values = np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)
    return FrameTable(values, np.arange(rows) % 2 == 0)


def _store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path / "demo" / "features" / "fbank.zarr")


@pytest.mark.parametrize("rows", [1, 300, 9001])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_what_goes_in_comes_out(tmp_path: Path, rows: int, dtype: str) -> None:
    store, table = _store(tmp_path), _table(rows)
    content = store.write("a", table, "k", {"random_weights": False}, dtype)
    read = store.read("a", "k")
    assert read.values.dtype == dtype and read.valid.dtype == bool
    np.testing.assert_array_equal(read.values, table.values.astype(dtype))
    np.testing.assert_array_equal(read.valid, table.valid)
    attributes = store.attributes("a")
    assert attributes == {
        "key": "k",
        "content": content,
        "arrays": ["valid", "values"],
        "rows": rows,
        "valid": int(table.valid.sum()),
        "random_weights": False,
    }


def test_zarr_alone_opens_the_whole_store(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.write("139-14-720x480", _table(), "k", {})
    root = zarr.open_group(store.path, mode="r")
    assert root["139-14-720x480/values"].shape == (5, 3)
    assert root["139-14-720x480"].attrs["key"] == "k"


def test_content_depends_on_values_alone(tmp_path: Path) -> None:
    store = _store(tmp_path)
    first = store.write("a", _table(), "k1", {"x": 1})
    assert store.write("b", _table(), "k2", {}) == first
    assert store.write("c", _table(seed=1), "k1", {"x": 1}) != first


@given(st.text(min_size=1, max_size=20).filter(lambda t: t.isprintable()))
@settings(max_examples=60)
def test_names_are_reversible_single_components(clip: str) -> None:
    name = escape(clip)
    assert unescape(name) == clip
    assert "/" not in name and not name.startswith(".")


def test_odd_clip_ids_have_groups_of_their_own(tmp_path: Path) -> None:
    store = _store(tmp_path)
    ids = sorted(["a/b", "a%2Fb", ".hidden", "..", "clip 1", "ü"])
    for number, clip in enumerate(ids):
        store.write(clip, _table(seed=number), str(number), {})
    assert store.clips() == ids
    for number, clip in enumerate(ids):
        np.testing.assert_array_equal(store.read(clip, str(number)).values, _table(seed=number).values)


def test_values_that_are_not_finite_are_refused_by_place(tmp_path: Path) -> None:
    store, table = _store(tmp_path), _table()
    for bad in (np.nan, np.inf):
        table.values[3, 1] = bad
        with pytest.raises(ValueError, match="clip 'a': values row 3 column 1"):
            store.write("a", table, "k", {})
    assert store.key("a") is None and store.clips() == []


def test_float16_overflow_is_refused(tmp_path: Path) -> None:
    store, table = _store(tmp_path), _table()
    table.values[2, 2] = 7e4
    with pytest.raises(ValueError, match="clip 'a': values row 2 column 2 exceeds float16"):
        store.write("a", table, "k", {}, "float16")
    store.write("a", table, "k", {}, "float32")


def test_wrong_key_and_missing_clip_name_the_command(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.write("a", _table(), "old", {})
    assert store.key("a") == "old"
    with pytest.raises(ValueError, match=r"clip 'a' was made from other settings.*abaw extract demo fbank"):
        store.read("a", "new")
    with pytest.raises(ValueError, match=r"no clip 'b'.*abaw extract demo fbank"):
        store.read("b")


def test_rewrite_replaces_everything(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.write("a", _table(9001), "one", {"x": 1})
    store.write("a", _table(4, seed=2), "two", {})
    assert store.read("a", "two").values.shape == (4, 3)
    assert "x" not in (store.attributes("a") or {})
    assert [entry.name for entry in store.path.iterdir() if entry.name.startswith(".tmp")] == []


def test_leftovers_of_a_killed_writer_are_not_clips(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.write("a", _table(), "k", {})
    (store.path / ".tmp-12345678-b").mkdir()
    (store.path / ".tmp-12345678-b" / "zarr.json").write_text("{}")
    assert store.clips() == ["a"] and store.key("b") is None


def test_failed_write_keeps_the_old_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = _store(tmp_path)
    store.write("a", _table(), "old", {})

    def full_disk(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("abaw_pipeline.features.store._put", full_disk)
    with pytest.raises(OSError, match="no space"):
        store.write("a", _table(seed=1), "new", {})
    np.testing.assert_array_equal(store.read("a", "old").values, _table().values)
    assert [entry.name for entry in store.path.iterdir() if entry.name.startswith(".tmp")] == []


def test_shapes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    table = FrameTable(np.zeros((3, 2), np.float32), np.ones(4, bool))
    with pytest.raises(ValueError, match="clip 'a'"):
        _store(tmp_path).write("a", table, "k", {})


def test_arrays_by_name(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path / "p.zarr", made_by="abaw infer")
    arrays = {"va": np.ones((4, 2), np.float32), "expr": np.zeros((4, 8), np.float32)}
    store.write_arrays("a", arrays, "k", {})
    read = store.read_arrays("a", "k")
    assert read.keys() == arrays.keys()
    assert all(np.array_equal(read[name], arrays[name]) for name in arrays)
    with pytest.raises(ValueError, match="abaw infer"):
        store.read_arrays("a", "other")


def _write_some(path: Path, first: int) -> None:
    for number in range(first, first + 3):
        FeatureStore(path).write(f"clip{number}", _table(seed=number), "k", {})


def test_writers_of_different_clips_do_not_meet(tmp_path: Path) -> None:
    store = _store(tmp_path)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write_some, args=(store.path, first)) for first in (0, 3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(store.clips()) == 6
    assert json.loads((store.path / "zarr.json").read_text())["node_type"] == "group"
    assert all(np.array_equal(store.read(f"clip{n}", "k").values, _table(seed=n).values) for n in range(6))
