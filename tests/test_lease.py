"""Leases between real processes: who gets which device, who waits, and what a kill leaves behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOLD = """
import os, signal, sys
from pathlib import Path
from abaw_pipeline.runtime.lease import lease

signal.alarm(120)  # a lease that never comes fails the test instead of holding it up
names, folder, what, slots, user, child = sys.argv[1:]
if int(user):
    os.setuid(int(user))
with lease(names.split(","), Path(folder), what, int(slots) or None) as name:
    if child == "fork" and not os.fork():
        sys.stdin.read()
        os._exit(0)
    print(name, flush=True)
    sys.stdin.read()
"""


class Holder:
    """A process that takes a lease and keeps it until it is told to end."""

    def __init__(self, *arguments: object) -> None:
        command = [sys.executable, "-c", HOLD, *map(str, arguments)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)

    def device(self) -> str:
        """Wait for the lease."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def message(self) -> str:
        """Wait for what it says while it waits."""
        assert self.process.stderr is not None
        return self.process.stderr.readline()

    def end(self, how: int | None = None) -> None:
        assert self.process.stdin is not None
        if how is None:
            self.process.stdin.close()
        else:
            self.process.send_signal(how)
        assert self.process.wait() == (0 if how is None else -how)


@pytest.fixture
def hold() -> Iterator[Callable[..., Holder]]:
    """Start holders on a machine of their own; they are gone when the test ends."""
    holders: list[Holder] = []
    base = Path(tempfile.mkdtemp(dir="/tmp"))  # not the test's own folder, which other users may not enter
    base.chmod(0o755)
    folder = base / "leases"

    def start(what: str = "train", names: str = "0", slots: int = 0, user: int = 0, child: str = "") -> Holder:
        holders.append(Holder(names, folder, what, slots, user, child))
        return holders[-1]

    yield start
    for holder in holders:
        with holder.process:  # closes the pipes, and waits
            holder.process.kill()
    shutil.rmtree(base)


@pytest.mark.parametrize("how", [None, signal.SIGTERM, signal.SIGKILL])
def test_one_holder_a_device_and_the_next_when_it_ends(hold, how):
    first, second = hold("train a", "0,1"), hold("train b", "0,1")
    held = {first.device(): ("train a", first), second.device(): ("train b", second)}
    assert set(held) == {"0", "1"}
    third = hold("train c", "0,1")
    told = third.message()
    assert told.startswith("train c: waiting for a GPU") and told.count("\n") == 1
    for name, (what, holder) in held.items():
        assert f"{name} is held by {what} (pid {holder.process.pid} of " in told
    held["1"][1].end(how)
    assert third.device() == "1"


def test_sharing_spreads_over_the_devices_and_ends_at_the_number_of_slots(hold):
    shared = [hold(names="0,1", slots=2) for _ in range(2)]
    assert {holder.device() for holder in shared} == {"0", "1"}
    shared += [hold(names="0,1", slots=2) for _ in range(2)]
    assert sorted(holder.device() for holder in shared[2:]) == ["0", "1"]
    fifth = hold("train e", "0,1", slots=2)
    assert fifth.message().count(" is held by ") == 4
    shared[3].end(signal.SIGKILL)
    assert fifth.device() in ("0", "1")


def test_who_wants_a_device_alone_waits_for_those_who_share_it_and_they_for_it(hold):
    few = [hold("train a", slots=3), hold("train b", slots=3)]
    assert [holder.device() for holder in few] == ["0", "0"]
    alone = hold("extract")
    told = alone.message()
    assert "held by train a (" in told and "held by train b (" in told and told.count(" is held by ") == 2
    few[0].end(signal.SIGKILL)
    few[1].end()
    assert alone.device() == "0"
    late = hold("train c", slots=3)
    told = late.message()
    assert "held by extract (" in told and "train a" not in told, "the note of a holder that was killed counts no more"
    alone.end(signal.SIGKILL)
    assert late.device() == "0"


def test_a_forked_child_does_not_keep_the_lease_of_a_holder_that_was_killed(hold):
    parent = hold("parent", child="fork")
    assert parent.device() == "0"
    parent.end(signal.SIGKILL)  # the child lives on: it reads the pipe that this test holds open
    assert hold("next").device() == "0"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start a process of another user")
def test_users_share_the_folder(hold):
    root = hold("of root")
    assert root.device() == "0"
    other = hold("of another", user=65534)
    assert "held by of root (" in other.message()
    root.end()
    assert other.device() == "0"
