"""Atomic files, reversible names, manifests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abaw_pipeline.runtime.files import atomic, read_json, write_json
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.names import escape, unescape
from abaw_pipeline.runtime.paths import shard_of
from abaw_pipeline.types import Skipped


@given(st.text(min_size=1).filter(lambda t: not any(0xD800 <= ord(c) < 0xE000 for c in t)))
def test_escape_is_reversible_and_safe(clip):
    name = escape(clip)
    assert unescape(name) == clip
    assert "/" not in name and not name.startswith(".") and "\0" not in name


def test_an_empty_id_is_refused():
    with pytest.raises(ValueError, match="empty"):
        escape("")


def test_atomic_leaves_nothing_behind_when_it_fails(tmp_path):
    target = tmp_path / "store"
    target.mkdir()
    (target / "old").write_text("kept")
    with pytest.raises(RuntimeError), atomic(target) as temporary:
        temporary.mkdir()
        (temporary / "new").write_text("half")
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["store"]
    assert (target / "old").read_text() == "kept"


def test_atomic_replaces_a_folder_whole(tmp_path):
    target = tmp_path / "store"
    target.mkdir()
    (target / "old").write_text("gone")
    with atomic(target) as temporary:
        temporary.mkdir()
        (temporary / "new").write_text("here")
    assert [p.name for p in target.iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["store"]


def test_missing_and_damaged_json_name_the_command(tmp_path):
    with pytest.raises(ValueError, match="abaw index demo"):
        read_json(tmp_path / "clips.json", "abaw index demo")
    (tmp_path / "clips.json").write_text("{")
    with pytest.raises(ValueError, match="damaged"):
        read_json(tmp_path / "clips.json", "abaw index demo")


def test_equal_content_gives_equal_bytes(tmp_path):
    write_json(tmp_path / "a", {"x": 1, "y": 2})
    write_json(tmp_path / "b", {"y": 2, "x": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_manifests_join_and_read_back(tmp_path):
    first = Manifest({"key": "k"}, {"a": {"content": "1"}}, [Skipped("c", "media", "zero bytes")])
    second = Manifest({"key": "k"}, {"b": {"content": "2"}})
    joined = Manifest.join([first, second])
    joined.write(tmp_path / "m.json")
    back = Manifest.read(tmp_path / "m.json", "abaw join")
    assert back == joined and set(back.clips) == {"a", "b"} and back.skipped[0].reason == "zero bytes"


def test_shards_of_different_settings_do_not_join():
    with pytest.raises(ValueError, match="different settings"):
        Manifest.join([Manifest({"key": "k"}), Manifest({"key": "other"})])


def test_shards_are_the_same_on_every_machine():
    # crc32 of "a" is 0xE8B7BE43 and of "abc" 0x352441C2; Python's own hash would change from process to process.
    assert [shard_of("a", n) for n in (1, 4, 16)] == [0, 3, 3]
    assert [shard_of("abc", n) for n in (1, 4, 16)] == [0, 2, 2]


@given(st.text(min_size=1, max_size=8), st.integers(1, 512))
def test_every_clip_has_a_shard(clip, shards):
    assert 0 <= shard_of(clip, shards) < shards
