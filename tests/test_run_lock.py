"""One run at a time on a results folder, and never a lock that outlives its run."""

from __future__ import annotations

import copy
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from abaw_pipeline.runtime import run_lock
from abaw_pipeline.runtime.run_lock import RunLock, holder
from tests.project import SETTINGS, Project

HOLDER = """
import os, subprocess, sys
from pathlib import Path
from abaw_pipeline.runtime.run_lock import hold
hold(Path(sys.argv[1]), "a test")
child = subprocess.Popen(["sleep", "60"], close_fds=False) if sys.argv[2] == "spawned" else os.fork()
if child == 0:
    os.execvp("sleep", ["sleep", "60"]) if sys.argv[2] == "executed" else __import__("time").sleep(60)
print(child if isinstance(child, int) else child.pid, flush=True)
input()
"""


def free(results: Path) -> bool:
    try:
        RunLock(results, "probe").release()
    except ValueError:
        return False
    return True


def test_a_second_run_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    results = tmp_path / "results"
    with RunLock(results, "snakemake"), pytest.raises(ValueError) as refused:
        RunLock(results, "other")
    said = str(refused.value)
    assert said.startswith(f"{results}: in use by ") and f"process {os.getpid()} (snakemake), since 20" in said
    assert "\n" not in said and "wait for it to end" in said
    assert free(results) and holder(results) is None
    with RunLock(results, "snakemake"):
        assert f"process {os.getpid()} (snakemake)" in str(holder(results))


@pytest.mark.parametrize("kind", ["spawned", "forked", "executed"])
def test_a_kill_frees_the_lock_although_children_live_on(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path), kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        child = int(holder.stdout.readline())
        try:
            assert not free(tmp_path)
            holder.kill()
            holder.wait()
            os.kill(child, 0)  # it lives
            until = time.monotonic() + 30
            while not free(tmp_path) and time.monotonic() < until:
                time.sleep(0.05)  # a forked child drops the lock as the first thing it does, when its turn comes
            assert free(tmp_path)
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_note_that_cannot_be_read_is_no_obstacle(tmp_path: Path) -> None:
    with RunLock(tmp_path, "snakemake"):
        (tmp_path / run_lock.NAME).write_text("{")
        with pytest.raises(ValueError, match="in use by another run that has just begun"):
            RunLock(tmp_path, "other")


def test_a_folder_made_anew_is_locked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file vanishes between its opening and its locking: a lock on the vanished one would guard nothing."""
    real, calls = run_lock.fcntl.flock, []

    def flock(descriptor: int, how: int) -> None:
        calls.append(descriptor)
        if len(calls) == 1:
            (tmp_path / run_lock.NAME).unlink()
        real(descriptor, how)

    monkeypatch.setattr(run_lock.fcntl, "flock", flock)
    with RunLock(tmp_path, "snakemake"):
        assert len(calls) == 2 and not free(tmp_path)


def test_without_locks_a_line_says_so_and_work_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def flock(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(run_lock.fcntl, "flock", flock)
    with RunLock(tmp_path, "snakemake"):
        said = capsys.readouterr().err
    assert said.startswith(f"abaw: {tmp_path}: this file system has no locks") and len(said.splitlines()) == 1


def test_a_folder_of_somebody_else_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / run_lock.NAME).touch()

    def refuse(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(run_lock.os, "open", refuse)
    with pytest.raises(ValueError, match=rf"\.lock: belongs to {(tmp_path / run_lock.NAME).owner()} and you may not"):
        RunLock(tmp_path, "snakemake")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.copy(tmp_path_factory.mktemp("lock") / "project", copy.deepcopy(SETTINGS))


def test_snakemake_refuses_a_folder_in_use_but_shows_what_it_would_do(project: Project) -> None:
    command = ("snakemake", "--cores", "1", "results/demo/listing.json")
    with RunLock(project.root / "results", "another run"):
        refused = project.run(*command)
        assert refused.returncode == 2
        (said,) = (line for line in refused.stderr.splitlines() if line.startswith("abaw: "))
        assert said.startswith("abaw: results: in use by ") and f"process {os.getpid()} (another run)" in said
        assert "Traceback" not in refused.stderr and not (project.root / "data").exists()
        for look in ("--dry-run", "--summary", "--rulegraph"):
            assert project.run(*command, look).returncode == 0, look


def test_after_a_kill_the_next_run_just_goes_on(project: Project) -> None:
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "results/demo/clips.json"]
    environment = {**os.environ, "PYTHONPATH": str(project.root)}
    with subprocess.Popen(
        command, cwd=project.root, env=environment, start_new_session=True, stderr=subprocess.DEVNULL
    ) as run:
        until = time.monotonic() + 120
        while not list((project.root / "data").glob(".tmp-*/batch*/*")) and time.monotonic() < until:
            time.sleep(0.05)
        os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL and list(project.root.rglob(".tmp-*"))
    again = project.run("snakemake", "--cores", "2", "results/demo/clips.json")
    assert again.returncode == 0, again.stderr
    assert not list(project.root.rglob(".tmp-*"))
