"""Lock files: for every user, and good for as long as the file has its name."""

from __future__ import annotations

import fcntl
import os

import pytest

from abaw_pipeline.runtime import lock_files
from abaw_pipeline.runtime.lease import lease
from abaw_pipeline.runtime.lock_files import lock, make_folder, read_note, unlock, write_note


def test_a_lock_is_alone_or_shared(tmp_path):
    file = tmp_path / "a.lock"
    alone = lock(file)
    assert lock(file) is None and lock(file, shared=True) is None
    unlock([alone])
    few = [lock(file, shared=True), lock(file, shared=True)]
    assert None not in few and lock(file) is None
    unlock(few)
    unlock([lock(file)])


def test_the_note_is_there_while_the_lock_is_held(tmp_path):
    file = tmp_path / "a.lock"
    mine = lock(file)
    assert read_note(file) == "somebody"
    write_note(mine, "a long description of \x1b[31mwhat is done")
    write_note(mine, "train")
    assert read_note(file).startswith(f"train (pid {os.getpid()} of ")
    os.pwrite(mine, b"\x1b]0;\xff", 0)
    assert read_note(file).isprintable()
    unlock([mine])
    assert read_note(file) is None


def test_folder_and_files_are_for_everybody(tmp_path):
    folder = tmp_path / "a" / "leases"
    mask = os.umask(0o077)
    try:
        with lease(["MIG-GPU-1/2/0"], folder, "test", slots=2):
            files = list(folder.iterdir())
        assert folder.stat().st_mode & 0o7777 == 0o1777 and folder.parent.stat().st_mode & 0o7777 == 0o700
        assert len(files) == 2 and {file.stat().st_mode & 0o7777 for file in files} == {0o666}
        assert os.umask(0o077) == 0o077
    finally:
        os.umask(mask)


def test_a_file_that_is_there_is_not_opened_for_creation(tmp_path, monkeypatch):
    """Linux refuses that on files of other users in folders like /tmp (fs.protected_regular)."""
    unlock([lock(tmp_path / "a.lock")])
    asked, open_ = [], os.open
    monkeypatch.setattr(
        lock_files.os, "open", lambda path, flags, *mode: asked.append(flags) or open_(path, flags, *mode)
    )
    unlock([lock(tmp_path / "a.lock")])
    assert asked and not any(flags & os.O_CREAT for flags in asked)


def test_a_file_that_was_removed_before_it_was_locked_counts_no_more(tmp_path, monkeypatch):
    file, flock, removed = tmp_path / "a.lock", fcntl.flock, []

    def late(descriptor: int, kind: int) -> None:
        if not removed:  # somebody cleans the folder up between opening and locking
            file.unlink()
            removed.append(descriptor)
        flock(descriptor, kind)

    monkeypatch.setattr(lock_files.fcntl, "flock", late)
    mine = lock(file)
    assert removed and os.path.samestat(os.fstat(mine), file.stat()) and lock(file) is None
    unlock([mine])


def test_a_folder_that_does_not_work_is_one_line(tmp_path):
    target = tmp_path / "file"
    target.write_text("of somebody")
    with pytest.raises(ValueError, match=r"^gpus\.leases: .*/file: ") as error, lease(["0"], target, "test"):
        pass
    assert "\n" not in str(error.value)
    make_folder(tmp_path / "leases")
    (tmp_path / "leases" / "0.lock").symlink_to(target)
    with pytest.raises(ValueError, match=r"^gpus\.leases: "), lease(["0"], tmp_path / "leases", "test"):
        pass
    assert target.read_text() == "of somebody"
