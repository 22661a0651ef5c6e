"""The store: what went in comes out, wrong keys and values are refused, half-written groups do not exist."""

from __future__ import annotations

import json
import multiprocessing
import tempfile
from collections.abc import Iterator
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

    monkeypatch.setattr("abaw_pipeline.features.store.finish_group", full_disk)
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


def _blocks(table: FrameTable, *cuts: int) -> list[FrameTable]:
    return [FrameTable(*both) for both in zip(np.split(table.values, cuts), np.split(table.valid, cuts), strict=True)]


@given(cuts=st.lists(st.integers(0, 5000), max_size=6).map(sorted), rows=st.sampled_from([1, 2048, 2049, 5000]))
@settings(max_examples=15)
def test_in_blocks_or_at_once_the_same_files_are_written(cuts: list[int], rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, table = _store(Path(folder)), _table(rows)
        content = store.write("whole", table, "k", {}, "float16")
        blocks = _blocks(table, *cuts)
        assert store.write_blocks("blocks", iter(blocks), (rows, 3), "k", {}, "float16") == content
        found = [
            {str(path.relative_to(store.path / clip)): path.read_bytes() for path in (store.path / clip).rglob("*.*")}
            for clip in ("whole", "blocks")
        ]
        assert found[0] == found[1]
        np.testing.assert_array_equal(store.read("blocks", "k").values, table.values.astype("float16"))


def test_a_block_is_refused_by_its_place_in_the_clip(tmp_path: Path) -> None:
    store, table = _store(tmp_path), _table(3000)
    table.values[2500, 1] = np.inf
    with pytest.raises(ValueError, match=r"clip 'a': values row 2500 column 1 is not finite \(1 such values"):
        store.write_blocks("a", _blocks(table, 700, 1400, 2100), (3000, 3), "k", {})
    for wrong in ((2999, 3), (3001, 3), (3000, 4)):
        with pytest.raises(ValueError, match="clip 'a'"):
            store.write_blocks("a", _blocks(_table(3000), 700), wrong, "k", {})
    assert store.clips() == [] and not list(store.path.glob(".tmp*"))


def test_what_ends_the_rows_ends_the_writing(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.write("a", _table(), "old", {})

    def rows() -> Iterator[FrameTable]:
        yield _table(4000)
        raise ValueError("frame 4001 cannot be decoded")

    with pytest.raises(ValueError, match="frame 4001"):
        store.write_blocks("a", rows(), (5000, 3), "new", {})
    assert store.key("a") == "old" and not list(store.path.glob(".tmp*"))
