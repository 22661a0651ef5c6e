"""``external``: what teams keep, in each format, lands on its frames; what does not fit is refused with both counts."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from abaw_pipeline.features.extract import clip_keys, extract
from abaw_pipeline.features.files import seen
from abaw_pipeline.features.files.external import External
from abaw_pipeline.features.plan import plan_feature
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.strict import parse
from abaw_pipeline.types import Clock, FrameTable
from tests.test_features_extract import _clips, _media

CLOCK = Clock(np.arange(8) / 25)
VALUES = np.arange(24, dtype=np.float64).reshape(8, 3) + 1


def _settings(**raw: Any) -> External.Settings:
    return parse(External.Settings, {"extractor": "external", "modality": "visual", "dimension": 3, **raw}, "features")


def _table(clip: str = "a", clock: Clock = CLOCK, **raw: Any) -> FrameTable:
    return External(_settings(**raw)).table(clip, clock)


def _npy(folder: Path, values: np.ndarray = VALUES, clip: str = "a") -> str:
    np.save(folder / f"{clip}.npy", values)
    return str(folder / "{clip}.npy")


def _written_npy(folder: Path) -> dict[str, Any]:
    return {"format": "npy", "path": _npy(folder)}


def _written_npz(folder: Path) -> dict[str, Any]:
    np.savez(folder / "a.npz", other=np.zeros(3), faces=VALUES)
    return {"format": "npz", "path": str(folder / "{clip}.npz"), "array": "faces"}


def _written_npz_of_all(folder: Path) -> dict[str, Any]:
    np.savez(folder / "all.npz", a=VALUES, b=VALUES + 1)
    return {"format": "npz", "path": str(folder / "all.npz"), "array": "{clip}"}


def _written_csv(folder: Path) -> dict[str, Any]:
    rows = [f"{40 * i},seg_1,{','.join(map(str, row))}\n" for i, row in enumerate(VALUES)]
    (folder / "a.csv").write_text("timestamp,segment_id,x,y,z\n" + "".join(rows))
    return {"format": "csv", "path": str(folder / "{clip}.csv")}


def _written_h5(folder: Path) -> dict[str, Any]:
    with h5py.File(folder / "all.h5", "w") as file:
        for number, row in enumerate(VALUES, 1):
            file[f"a/{number:05d}"] = row
    return {"format": "h5", "path": str(folder / "all.h5"), "array": "{clip}"}


def _written_h5_array(folder: Path) -> dict[str, Any]:
    with h5py.File(folder / "a.h5", "w") as file:
        file["features"] = VALUES
    return {"format": "h5", "path": str(folder / "{clip}.h5"), "array": "features"}


def _written_frames(folder: Path) -> dict[str, Any]:
    (folder / "a").mkdir()
    for number, row in enumerate(VALUES, 1):
        np.save(folder / "a" / f"{number:05d}.npy", row[None])
    return {"format": "frames", "path": str(folder / "{clip}")}


def _written_pickle(folder: Path) -> dict[str, Any]:
    (folder / "all.pkl").write_bytes(pickle.dumps({"a": {f"{n:05d}": row for n, row in enumerate(VALUES, 1)}}))
    return {"format": "pickle", "path": str(folder / "all.pkl"), "array": "{clip}"}


WRITERS: list[Callable[[Path], dict[str, Any]]] = [
    *(_written_npy, _written_npz, _written_npz_of_all, _written_csv),
    *(_written_h5, _written_h5_array, _written_frames, _written_pickle),
]


@pytest.mark.parametrize("write", WRITERS)
def test_every_format_gives_its_rows(tmp_path: Path, write: Callable[[Path], dict[str, Any]]) -> None:
    table = _table(**write(tmp_path))
    np.testing.assert_array_equal(table.values, VALUES)
    assert table.values.dtype == np.float32 and table.valid.all()


@pytest.mark.parametrize("write", WRITERS)
def test_every_format_says_where_a_clip_is_lacking(tmp_path: Path, write: Callable[[Path], dict[str, Any]]) -> None:
    settings = _settings(**write(tmp_path))
    place = settings.path.replace("{clip}", "nobody")
    with pytest.raises(ValueError, match=f"^{place}: .*no ") as error:
        External.content(settings, "nobody")
    assert "\n" not in str(error.value)


def test_rows_go_to_the_frames_whose_numbers_they_have(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a/00003"], file["a/00008"] = VALUES[2], VALUES[7]
    raw = {"format": "h5", "path": str(tmp_path / "{clip}.h5"), "array": "{clip}"}
    table = _table(**raw)
    np.testing.assert_array_equal(np.flatnonzero(table.valid), [2, 7])
    np.testing.assert_array_equal(table.values[[2, 7]], VALUES[[2, 7]])
    assert not table.values[~table.valid].any()
    with pytest.raises(ValueError, match=r"2 rows, the last of them number 8, for 8 frames \('extra_rows' allows 0\)"):
        _table(**raw, first_frame=0)
    np.testing.assert_array_equal(np.flatnonzero(_table(**raw, first_frame=0, extra_rows=1).valid), [3])
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["a/00000"] = VALUES[0]
    with pytest.raises(ValueError, match="its first row has number 0, the settings say 'first_frame: 1'"):
        _table(**raw)


@pytest.mark.parametrize("count", [6, 10])
def test_other_counts_are_refused_unless_allowed(tmp_path: Path, count: int) -> None:
    raw = {"format": "npy", "path": _npy(tmp_path, np.ones((count, 3)))}
    with pytest.raises(ValueError, match=rf"a\.npy: {count} rows for 8 frames \('extra_rows' allows 1\)"):
        _table(**raw, extra_rows=1)
    np.testing.assert_array_equal(_table(**raw, extra_rows=2).valid, np.arange(8) < count)


def test_rows_that_say_nothing_are_not_valid(tmp_path: Path) -> None:
    values = VALUES.copy()
    values[1, 2], values[4] = np.nan, 0
    raw = {"format": "npy", "path": _npy(tmp_path, values)}
    np.testing.assert_array_equal(np.flatnonzero(~_table(**raw).valid), [1])
    np.testing.assert_array_equal(np.flatnonzero(~_table(**raw, missing="zeros").valid), [1, 4])
    timed = _table(**raw, missing="zeros", place="time", rate=25.0)
    np.testing.assert_array_equal(np.flatnonzero(~timed.valid), [1, 4])
    np.testing.assert_array_equal(timed.values[timed.valid], values[timed.valid].astype(np.float32))
    assert not timed.values[~timed.valid].any()


def test_rows_land_on_the_frames_that_are_shown_at_their_time(tmp_path: Path) -> None:
    """A clock of uneven frames; rows every 20 ms: each frame gets the mean of the rows within it."""
    clock = Clock(np.array([0.0, 0.1, 0.14, 0.3]))
    seconds = np.arange(18) * 0.02 + 0.01
    values = np.repeat(seconds[:, None], 3, 1)
    lines = "".join(f"{1000 * t:.0f},{','.join([str(t)] * 3)}\n" for t in seconds - 0.01)
    (tmp_path / "a.csv").write_text(f"timestamp,x,y,z\n{lines}")
    by_times = {"format": "csv", "path": str(tmp_path / "{clip}.csv"), "place": "time", "extra_rows": 1}
    expected = [seconds[:5].mean(), seconds[5:7].mean(), seconds[7:15].mean(), seconds[15:].mean()]
    np.testing.assert_allclose(
        _table(clock=clock, **by_times, offset_s=0.01).values[:, 0], np.array(expected) - 0.01, atol=1e-6
    )
    by_rate = {"format": "npy", "path": _npy(tmp_path, values), "place": "time", "rate": 50.0, "offset_s": 0.01}
    np.testing.assert_allclose(_table(clock=clock, **by_rate).values[:, 0], expected, atol=1e-6)
    np.savez(tmp_path / "a.npz", when=seconds, x=values)
    by_array = {
        "format": "npz",
        "path": str(tmp_path / "{clip}.npz"),
        "place": "time",
        "times": "when",
        "time_unit": "s",
    }
    np.testing.assert_allclose(_table(clock=clock, **by_array).values[:, 0], expected, atol=1e-6)


def test_rows_far_apart_reach_as_far_as_they_describe(tmp_path: Path) -> None:
    clock = Clock(np.arange(100) / 25)
    np.savez(tmp_path / "a.npz", t=[0.0, 0.5, 1.0, 3.0, 3.5, 3.96], x=np.ones((6, 3)))
    raw = {"format": "npz", "path": str(tmp_path / "{clip}.npz"), "place": "time", "times": "t", "time_unit": "s"}
    middle = clock.times + 0.02  # of the time for which a frame is shown
    np.testing.assert_array_equal(_table(clock=clock, **raw).valid, (middle <= 1.5) | (middle > 2.4999))
    assert _table(clock=clock, **raw, unit_s=1.1).valid.all()


@pytest.mark.parametrize(
    ("count", "more", "message"),
    [
        (16, {}, r"16 rows for 8 frames: 6 rows lie outside the clip \(0\.00 to 0\.32 s\), 0 frames"),
        (4, {}, r"4 rows for 8 frames: 0 rows lie outside the clip .*, 3 frames before or after all rows"),
        (8, {"offset_s": 60.0}, r"8 rows for 8 frames: 8 rows lie outside the clip .*, 8 frames"),
    ],
)
def test_times_that_do_not_fit_are_refused_with_both_counts(
    tmp_path: Path, count: int, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        _table(format="npy", path=_npy(tmp_path, np.ones((count, 3))), place="time", rate=25.0, **more)


def test_milliseconds_taken_for_seconds_are_refused(tmp_path: Path) -> None:
    raw = _written_csv(tmp_path)
    np.testing.assert_allclose(_table(**raw, place="time").values, VALUES)
    with pytest.raises(ValueError, match="8 rows for 8 frames"):
        _table(**raw, place="time", time_unit="s")


class _Bomb:
    """Unpickled, it writes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (self.mark.write_text, ("executed",))


def test_a_pickle_is_read_only_where_it_is_asked_for_by_name(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    objects = np.empty(8, object)
    objects[:] = [_Bomb(mark)] * 8
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "a.npz", x=objects)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(_Bomb(mark)))
    for clip, kind in (("a", "npy"), ("a", "npz"), ("b", "npy")):
        with pytest.raises(ValueError, match=rf"{clip}\.{kind}: not readable as {kind}: .*pickle"):
            _table(clip, format=kind, path=str(tmp_path / f"{{clip}}.{kind}"))
    assert not mark.exists()
    with pytest.raises(ValueError, match=r"\(\) values"):
        _table("b", format="pickle", path=str(tmp_path / "{clip}.npy"))
    assert mark.read_text() == "executed"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npy", np.ones((8, 4)), r"\(8, 4\) values, the settings say \(n, 3\)"),
        ("a.npy", np.ones(8), r"\(8,\) values, the settings say \(n, 3\)"),
        ("a.npy", np.array([["x"] * 3] * 8), "not numbers"),
        ("a.npy", b"not numpy", "not readable as npy"),
        ("a.csv", b"timestamp,x,y,z\n0,1,2\n", "line 2 has 3 cells, fewer than the header"),
        ("a.csv", b"timestamp,x,y,z\n0,1,2,high\n", "line 2: 'high' is not a number"),
        ("a.csv", b"", r"\(0, 0\) values"),
        ("a.h5", b"no hdf5", "not readable as h5"),
        ("a.npz", b"PK no zip", "not readable as npz"),
    ],
)
def test_files_that_are_something_else_are_one_line(tmp_path: Path, name: str, content: Any, message: str) -> None:
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    else:
        np.save(tmp_path / name, content)
    kind = name.partition(".")[2]
    with pytest.raises(ValueError, match=rf"a\.{kind}: .*{message}") as error:
        _table(format=kind, path=str(tmp_path / f"{{clip}}.{kind}"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"format": "npy", "path": "a.npy"}, r"no \{clip\} in 'path': all clips would be one"),
        ({"format": "h5", "path": "a.h5", "array": "x"}, r"no \{clip\} in 'path' or 'array'"),
        ({"format": "npy", "path": "{clip}", "place": "time"}, "needs 'rate' or 'times'"),
        ({"format": "npy", "path": "{clip}", "rate": 25.0}, "belong to 'place: time'"),
        ({"format": "npy", "path": "{clip}", "place": "time", "times": "t"}, "has no 'times' in it"),
        ({"format": "npz", "path": "{clip}", "place": "time", "times": "t", "rate": 2.0}, "not both"),
        ({"format": "pkl", "path": "{clip}"}, r"format: no such value 'pkl'"),
    ],
)
def test_settings_that_cannot_be_are_one_line(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^features: .*{message}") as error:
        _settings(**raw)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("write", [_written_npy, _written_frames])
def test_a_changed_file_changes_its_clip_alone(tmp_path: Path, write: Callable[[Path], dict[str, Any]]) -> None:
    settings, memory = _settings(**write(tmp_path)), tmp_path / "memory.json"
    other = tmp_path / ("b.npy" if settings.format == "npy" else "b/00001.npy")
    other.parent.mkdir(exist_ok=True)
    np.save(other, VALUES[:1])
    before = {clip: External.content(settings, clip, memory) for clip in "ab"}
    assert before == {clip: External.content(settings, clip) for clip in "ab"}
    listing = External.listing(settings)
    np.save(other, VALUES[1:2])
    after = {clip: External.content(settings, clip, memory) for clip in "ab"}
    assert after["a"] == before["a"] and after["b"] != before["b"]
    np.save(other, VALUES[:1])
    assert External.content(settings, "b", memory) == before["b"]
    np.save(other.with_name("c.npy" if settings.format == "npy" else "00002.npy"), VALUES[:1])
    assert External.listing(settings) != listing


def test_one_file_of_all_clips_changes_the_clip_whose_rows_change(tmp_path: Path) -> None:
    raw, memory = _written_h5(tmp_path), tmp_path / "memory.json"
    with h5py.File(tmp_path / "all.h5", "a") as file:
        file["b/00001"] = VALUES[0]
    before = {clip: External.content(_settings(**raw), clip, memory) for clip in "ab"}
    listing = External.listing(_settings(**raw))
    with h5py.File(tmp_path / "all.h5", "a") as file:
        file["b/00001"][:] = VALUES[1]
    after = {clip: External.content(_settings(**raw), clip, memory) for clip in "ab"}
    assert after["a"] == before["a"] and after["b"] != before["b"]
    assert External.listing(_settings(**raw)) != listing


def test_unchanged_files_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, memory = _settings(**_written_frames(tmp_path)), tmp_path / "memory.json"
    first = External.content(settings, "a", memory)

    def read(path: Path) -> str:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr(seen, "file_digest", read)
    assert External.content(settings, "a", memory) == first


def test_the_key_knows_the_rows_not_their_place(tmp_path: Path) -> None:
    def key(**raw: Any) -> str:
        return plan_feature("x", _settings(**raw), False).key

    here = key(format="npy", path="here/{clip}.npy")
    assert here == key(format="npy", path="there/{clip}_mae.npy")
    assert here != key(format="npy", path="here/{clip}.npy", first_frame=0)
    assert "here" not in str(plan_feature("x", _settings(format="npy", path="here/{clip}.npy"), False).about)


def test_the_stage_makes_clips_that_have_files_and_reports_the_others(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "results", "toy")
    for clip in ("a", "b", "c"):
        _media(layout, clip, frames=8)
    settings = _settings(format="npy", path=_npy(tmp_path))
    _npy(tmp_path, VALUES[:5], clip="c")
    plan = plan_feature("x", settings, False, tmp_path / "results" / "digests.json")
    manifest = extract(plan, _clips("a", "b", "c"), layout)
    reasons = {row.clip: row.reason for row in manifest.skipped}
    assert reasons.keys() == {"b", "c"} and "b.npy: no such file" in reasons["b"] and "5 rows for 8" in reasons["c"]
    key = manifest.clips["a"]["key"]
    np.testing.assert_array_equal(FeatureStore(layout.feature_store("x")).read("a", key).values, VALUES)
    contents = {clip: {"clock": manifest_clock} for clip, manifest_clock in (("a", _clock_of(layout, "a")), ("b", ""))}
    assert clip_keys(plan, layout, contents) == {"a": key}


def _clock_of(layout: Layout, clip: str) -> str:
    with h5py.File(layout.clock(clip)) as file:
        return str(file.attrs["content"])


def test_what_snakemake_asks_for_imports_no_hdf5() -> None:
    program = (
        "import sys; from abaw_pipeline.features.files.external import External; "
        "s = External.Settings(extractor='external', modality='text', format='h5', path='{clip}.h5', dimension=2); "
        "External.listing(s); External.spec(s); print({'h5py', 'torch', 'zarr', 'pickle5'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
