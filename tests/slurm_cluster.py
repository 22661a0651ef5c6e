"""A real SLURM of one node with two pretend GPUs, and Snakemake running on it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.project import ROOT, Project

TOOLS = Path(os.environ.get("ABAW_SHARED", ROOT.parent / "shared")) / "tools"
LIMIT_S = 900
"""Longest that one run may take; it is killed then, and its test fails."""


def lacking() -> str:
    """Why no cluster can be started here; empty where it can."""
    if not (TOOLS / "slurm_up.sh").is_file():
        return f"no {TOOLS}/slurm_up.sh, which starts a cluster (ABAW_SHARED names its folder)"
    if missing := [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(name)]:
        return f"SLURM is not installed: no {', '.join(missing)}"
    if not importlib.util.find_spec("snakemake_executor_plugin_slurm"):
        return "no snakemake-executor-plugin-slurm (pip install -e '.[slurm]')"
    if os.geteuid() != 0:
        return "a cluster of one's own needs root"
    settings = Path("/etc/slurm/slurm.conf")
    left = f"SLURM is configured here already: {settings.resolve()} (left by a killed test? slurm_down.sh stops it)"
    return left if settings.exists() else ""


def slurm(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@dataclass(frozen=True)
class Cluster:
    """Its state lies in ``folder``."""

    folder: Path

    @classmethod
    @contextmanager
    def start(cls, folder: Path) -> Iterator[Cluster]:
        try:
            subprocess.run(["bash", TOOLS / "slurm_up.sh", folder, "2"], check=True, timeout=60)
            yield cls(folder)
            subprocess.run(["scancel", "--user", "root"], check=False, timeout=60)
        finally:
            subprocess.run(["bash", TOOLS / "slurm_down.sh", folder], check=True, timeout=60)

    def stop_controller(self) -> None:
        os.kill(int((self.folder / "slurmctld.pid").read_text()), signal.SIGTERM)

    @staticmethod
    def start_controller() -> None:
        subprocess.run(["slurmctld"], check=True, timeout=60)

    @staticmethod
    def jobs(*states: str) -> list[dict[str, str]]:
        """What SLURM says of every job, or of those in ``states``."""
        lines = slurm("scontrol", "--details", "--oneliner", "show", "job").splitlines()
        jobs = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines if line.startswith("JobId")]
        return [job for job in jobs if not states or job["JobState"] in states]


def as_a_site_does(project: Project, **rules: dict[str, Any]) -> None:
    """Change the lines of ``profiles/slurm`` that a small cluster must change, and resources of ``rules``."""
    shutil.copy(ROOT / "profiles/slurm/config.yaml", project.root / "profiles/slurm/config.yaml")
    file = project.root / "profiles/slurm/config.yaml"
    profile = yaml.safe_load(file.read_text())
    profile["default-resources"]["slurm_partition"] = "main"
    profile["resources"]["mem_mb"], profile["cores"] = 8000, 2
    profile["set-threads"] = {"media": 1, "extract": 1, "train": 1}
    profile["slurm-init-seconds-before-status-checks"], profile["latency-wait"] = 2, 10
    for rule, resources in rules.items():
        profile["set-resources"].setdefault(rule, {}).update(resources)
    file.write_text(yaml.safe_dump(profile, sort_keys=False))


def choose_partitions(project: Project) -> None:
    """As docs/cluster.md has it: no partition is named, and SLURM's own description of them chooses."""
    file = project.root / "profiles/slurm/partitions.yaml"
    subprocess.run(
        [Path(sys.executable).with_name("generate-slurm-partition-config"), "-o", file], check=True, timeout=60
    )
    profile_file = file.with_name("config.yaml")
    profile = yaml.safe_load(profile_file.read_text())
    del profile["default-resources"]["slurm_partition"]
    profile["slurm-partition-config"] = "profiles/slurm/partitions.yaml"
    profile_file.write_text(yaml.safe_dump(profile, sort_keys=False))


@dataclass
class Run:
    """Snakemake under way."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def text(self) -> str:
        return self.log.read_text()

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 240) -> Any:
        """Wait for ``condition`` to be true, and give its value."""
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert self.process.poll() is None, f"ended before {what}:\n{self.text}"
            assert time.monotonic() < end, f"no {what} in {seconds} s:\n{self.text}"
            time.sleep(0.2)
        return found

    def end(self, look: Callable[[], Any] = lambda: None) -> int:
        """Its exit code; ``look`` is called every second until then."""
        end = time.monotonic() + LIMIT_S
        while self.process.poll() is None:
            assert time.monotonic() < end, f"not finished in {LIMIT_S} s:\n{self.text}"
            look()
            time.sleep(1)
        return self.process.returncode


def heed_interrupts() -> None:
    """Tests that a shell started in the background ignore SIGINT, and so would what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def snakemake(project: Project, *options: str) -> Iterator[Run]:
    """Start ``snakemake --workflow-profile profiles/slurm``; whatever is left of it at the end is killed."""
    log = project.root / "run.log"
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", "profiles/slurm", *options]
    environment = {**os.environ, "PYTHONPATH": str(project.root), "PYTHONDONTWRITEBYTECODE": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=project.root,
            env=environment,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=heed_interrupts,
        )
    try:
        yield Run(process, log)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
