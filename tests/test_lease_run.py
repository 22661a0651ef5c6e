"""Twelve GPU jobs of Snakemake on two pretend devices: never two on one, both used, also after a holder is killed."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import ROOT, SETTINGS, Project

DEVICES = {"GPU-aaaa0000", "GPU-bbbb1111"}
LISTED = "".join(f"GPU {number}: Pretend (UUID: {uuid})\n" for number, uuid in enumerate(sorted(DEVICES)))

# A holder writes a line when it has a device and one before it gives it back, so the lines stand in the order of what
# happened. It stays until its kind has begun `together` times: devices are in use at the same time, without any timing.
OBSERVER = """
import os, signal, time
from contextlib import contextmanager
from pathlib import Path

def write(*words):
    with open("leases.log", "a") as log:
        log.write(" ".join(words) + "\\n")

def begun():
    return [line.split()[1:3] for line in Path("leases.log").read_text().splitlines() if line.startswith("begin")]

def first():
    try:
        Path("killed").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True

@contextmanager
def observed(what, device, victim, together):
    kind = what.split()[0]
    write("begin", kind, device)
    if victim and first():
        write("killed", kind, device)
        os.kill(os.getpid(), signal.SIGKILL)
    signal.alarm(180)  # kills a job that waits in vain, and so fails the run
    while not together(kind, begun()):
        time.sleep(0.02)
    signal.alarm(0)
    try:
        yield
    finally:
        write("end", kind, device)
"""

JOB = """
import sys
from abaw_pipeline.runtime.gpus import devices
from abaw_pipeline.runtime.lease import lease

def another_came_after_me_or_all_came(kind, begun):
    return [kind for kind, _ in begun][-1] != kind or len(begun) == 13

with lease(devices(), Path("leases"), sys.argv[1]) as name:
    with observed(sys.argv[1], name, True, another_came_after_me_or_all_came):
        pass
"""

SNAKEFILE = """
import sys

rule all:
    input: expand("done/{n}", n=range(12))

rule job:
    output: touch("done/{n}")
    resources: gpu=1
    retries: 1
    shell: "'{sys.executable}' job.py job{wildcards.n}"
"""

IN_THE_PROJECT = """
_plain = leased

@contextmanager
def leased(device, gpus, what, share=False):
    with _plain(device, gpus, what, share) as chosen:
        if device == "cpu":
            yield chosen
        else:
            with observed(what, os.environ["CUDA_VISIBLE_DEVICES"], what.startswith("train"), two_of_a_kind_came):
                yield chosen

def two_of_a_kind_came(kind, begun):
    return kind == "extract" or [other for other, _ in begun].count(kind) >= 2
"""


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What every process sees: nvidia-smi lists two GPUs, of which torch can use none."""
    script = tmp_path / "bin" / "nvidia-smi"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\nprintf '%s' '{LISTED}'\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)


def _check(log: Path, jobs: int) -> None:
    """No device ever had two jobs; both had some, before and after the kill; the device of the victim is used again."""
    events = [tuple(line.split()) for line in log.read_text().splitlines()]
    holder: dict[str, str] = {}
    for event, kind, device in events:
        if event == "begin":
            assert device not in holder, events
            holder[device] = kind
        else:
            assert holder.pop(device) == kind, events
    assert not holder and sum(event == "end" for event, *_ in events) == jobs
    (kill,) = [number for number, (event, *_) in enumerate(events) if event == "killed"]
    after = [device for event, _, device in events[kill:] if event == "begin"]
    assert set(after) == DEVICES == {device for *_, device in events}


@pytest.mark.parametrize("limit", [("--resources", "gpu=2"), ()], ids=["two at a time", "no limit"])
def test_twelve_jobs_on_two_devices(tmp_path, two_gpus, limit):
    (tmp_path / "job.py").write_text(OBSERVER + JOB)
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "8", *limit],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    _check(tmp_path / "leases.log", 12)


@pytest.mark.slow
def test_twelve_gpu_jobs_of_the_pipeline_on_two_devices(tmp_path, two_gpus):
    settings = copy.deepcopy(SETTINGS)
    # of four shards the corpus fills two
    settings |= {"device": "auto", "gpus": {"leases": str(tmp_path / "leases")}, "shards": 4}
    settings["experiments"]["sound"] = {**settings["experiments"]["face"], "features": ["fbank"]}
    settings["ensembles"]["va"]["members"].append("sound")
    project = Project.copy(tmp_path / "project", settings)
    with (project.root / "abaw_pipeline/runtime/lease.py").open("a") as source:
        source.write(OBSERVER + IN_THE_PROJECT)
    done = project.run("snakemake", "--cores", "8", "--resources", "gpu=2", "--retries", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    _check(project.root / "leases.log", 12)  # 2 extractions, 5 trainings, 5 predictions; sound leases nothing
    settings["gpus"]["trainings_per_device"] = 3
    project.settings(settings)
    assert project.dry_run() == set(), "how GPUs are shared is no reason to run anything again"
