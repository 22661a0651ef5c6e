"""Runs that are killed at random moments and started again end as if nothing had happened, and repeat nothing.

Each run is killed with SIGKILL up to three times, main process, jobs and all, then run to its end. One such run is part
of the normal tests, thirty of the heavy ones; ``pytest --kills N`` makes N of them.
"""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from abaw_pipeline.demo.corpus import write_corpus
from tests.project import SETTINGS, Project

KEPT = ("features", "models", "predictions", "ensembles", "submissions")
"""What must come out byte for byte."""


def _settings() -> dict[str, object]:
    """Six clips, three features, two experiments, an ensemble."""
    raw = copy.deepcopy(SETTINGS)
    del raw["datasets"]["demo"]["generate"]
    raw["features"]["egemaps"] = {"extractor": "egemaps"}
    raw["experiments"]["both"]["features"] = ["densenet", "fbank", "egemaps"]
    return raw


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[Project, float, dict[str, bytes]]:
    """The project with its data, the seconds that a run takes, and what it makes."""
    project = Project.copy(tmp_path_factory.mktemp("kills") / "project", _settings())
    write_corpus(project.root / "data/demo", 6, 3, seconds=(1.0, 1.6))
    began = time.monotonic()
    done = project.run("snakemake", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    return project, time.monotonic() - began, _made(project)


def _made(project: Project) -> dict[str, bytes]:
    home = project.root / "results/demo"
    files = [path for part in KEPT for path in (home / part).rglob("*") if path.is_file()]
    return {str(path.relative_to(home)): path.read_bytes() for path in files}


def test_a_killed_run_ends_like_one_that_was_not(undisturbed):
    _kill_and_compare(undisturbed, [0])


@pytest.mark.slow
def test_many_killed_runs_end_like_one_that_was_not(undisturbed, request):
    _kill_and_compare(undisturbed, range(100, 100 + request.config.getoption("--kills")))


def _kill_and_compare(undisturbed, seeds) -> None:
    project, seconds, wanted = undisturbed
    for seed in seeds:
        shutil.rmtree(project.root / "results")
        shutil.rmtree(project.root / ".snakemake")
        moments = _disturbed_run(project, random.Random(seed), seconds)
        found = _made(project)
        where = f"seed {seed}, killed after {', '.join(f'{moment:.1f} s' for moment in moments)}"
        assert found.keys() == wanted.keys(), where
        assert [name for name in wanted if found[name] != wanted[name]] == [], where
        assert _repeated(project) == {}, where
        assert [path.name for path in project.root.rglob("*") if path.name.startswith(".tmp-")] == [], where


def _disturbed_run(project: Project, chance: random.Random, seconds: float) -> list[float]:
    """Run, kill after a random time up to three times, run to the end; returns the seconds before each kill."""
    moments = []
    for _ in range(chance.randint(1, 3)):
        moments.append(chance.uniform(0.2, seconds))
        if _run_and_kill(project, moments[-1]):
            break
    done = project.run("snakemake", "--cores", "2")
    assert done.returncode == 0, f"after kills at {moments}: {done.stdout}{done.stderr}"
    return moments


def _run_and_kill(project: Project, seconds: float) -> bool:
    """Start a run and kill everything of it after ``seconds``; whether it had ended by itself."""
    environment = {**os.environ, "PYTHONPATH": str(project.root), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2"],
        cwd=project.root,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        run.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        everything = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
        os.killpg(run.pid, signal.SIGKILL)
        for process in everything:  # those that left the group
            if process.is_running():
                process.kill()
        run.wait()
        psutil.wait_procs(everything, timeout=10)
        return False
    return run.returncode == 0


def _repeated(project: Project) -> dict[str, int]:
    """Finished work that was done twice: clips, epochs, and trainings that had ended."""
    again: Counter[str] = Counter()
    for path, lines in _journals(project):
        if path.parent.name == "train":
            again[path.stem] += max(0, sum("end" in line for line in lines) - 1)
        names = Counter(line["did"] for line in lines if "did" in line)
        again.update({f"{path.parent.name}/{path.stem}/{name}": count - 1 for name, count in names.items()})
    return {what: count for what, count in again.items() if count}


def _journals(project: Project) -> Iterator[tuple[Path, list[dict[str, object]]]]:
    for path in (project.root / "results/journal").glob("*/*.jsonl"):
        if path.parent.name != "submit":  # one file, written anew whenever its job starts
            yield path, [json.loads(line) for line in path.read_text().splitlines()]
