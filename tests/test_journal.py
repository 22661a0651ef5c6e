"""What jobs did: counted, timed, and read back whatever a kill left."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from abaw_pipeline.runtime import digests
from abaw_pipeline.runtime.digests import remembered_digest
from abaw_pipeline.runtime.journal import NO_JOURNAL, Journal, stretches
from abaw_pipeline.runtime.keys import file_digest


def test_calls_are_read_back_with_what_each_did(tmp_path):
    path = tmp_path / "journal" / "extract" / "fbank-0.jsonl"
    for clips in (["a", "b"], ["c"]):
        journal = Journal(path)
        journal.begin(len(clips))
        for clip in clips:
            journal.did(clip, 25)
        journal.end()
    first, second = stretches(path)
    assert (first.todo, [name for _, name in first.did], first.frames, first.ended) == (2, ["a", "b"], 50, True)
    assert ([name for _, name in second.did], second.unit, second.running) == (["c"], "clip", False)


def test_a_job_that_finds_nothing_to_do_writes_nothing(tmp_path):
    journal = Journal(tmp_path / "a.jsonl")
    assert journal.sentence("extracted", 5) == "5 clips up to date"
    assert not (tmp_path / "a.jsonl").exists() and stretches(tmp_path / "a.jsonl") == []
    NO_JOURNAL.begin(1)
    NO_JOURNAL.did("a")


def test_the_sentence_counts_what_was_done_and_what_was_not(tmp_path):
    journal = Journal(tmp_path / "a.jsonl")
    journal.begin(2)
    journal.did("a", 10)
    assert journal.sentence("extracted", 3).startswith("1 clip extracted (10 frames, ")
    journal.did("b", 20)
    told = journal.sentence("extracted", 3)
    assert told.startswith("2 clips extracted (30 frames, ") and told.endswith(" a second), 1 up to date")


def test_lines_that_were_cut_short_are_passed_over(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = [{"at": 1, "begin": 2, "unit": "clip", "host": "h", "pid": 1}, {"at": 3, "did": "a"}]
    path.write_bytes(b"\n".join(json.dumps(line).encode() for line in lines) + b'\n{"at": 4, "di\n"text"\n')
    (one,) = stretches(path)
    assert [name for _, name in one.did] == ["a"] and not one.ended and one.rate == pytest.approx(0.5)


def test_a_killed_writer_is_not_running(tmp_path):
    code = f"""
import os, signal
from pathlib import Path
from abaw_pipeline.runtime.journal import Journal, stretches
journal = Journal(Path({str(tmp_path / "a.jsonl")!r}))
journal.begin(3); journal.did("a")
assert stretches(Path({str(tmp_path / "a.jsonl")!r}))[0].running
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    (one,) = stretches(tmp_path / "a.jsonl")
    assert (one.running, one.ended, len(one.did)) == (False, False, 1)


def test_a_digest_is_taken_once_and_again_when_the_file_is_another(tmp_path, monkeypatch):
    file, memory = tmp_path / "weights.pth", tmp_path / "memory.json"
    file.write_bytes(b"one")
    read: list[str] = []
    monkeypatch.setattr(
        "abaw_pipeline.runtime.digests.file_digest", lambda path: read.append(path.name) or file_digest(path)
    )
    first = remembered_digest(file, memory)
    _forget_in_process()
    assert remembered_digest(file, memory) == first == file_digest(file) and len(read) == 1
    before = file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # same size, same date
    assert remembered_digest(file, memory) == file_digest(file) != first
    file.touch()
    assert remembered_digest(file, memory) == file_digest(file) and len(read) == 3


def _forget_in_process() -> None:
    digests._digest.cache_clear()
