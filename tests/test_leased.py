"""What a job computes on: the leased GPU and no other, SLURM's choice, or the CPU."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from abaw_pipeline.runtime import lease as leases
from abaw_pipeline.runtime.lease import leased
from abaw_pipeline.runtime.lock_files import read_note
from abaw_pipeline.runtime.settings import GpuSettings
from abaw_pipeline.settings_file import check
from tests.project import ROOT, SETTINGS, Project


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GpuSettings:
    """Settings on a machine without nvidia-smi and outside SLURM, where torch sees no CUDA and nobody waits."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID", "SLURM_STEP_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    def wait(seconds: float) -> None:
        raise InterruptedError("it would wait")

    monkeypatch.setattr(leases.time, "sleep", wait)
    return GpuSettings(leases=str(tmp_path / "leases"))


def _locked(gpus: GpuSettings) -> list[str]:
    """Names of the files that somebody has locked for itself."""
    return sorted(file.name for file in Path(gpus.leases).glob("*") if read_note(file))


def test_cuda_sees_the_leased_device_only(gpus, monkeypatch, capsys):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    with leased("auto", gpus, "first") as device:
        assert (device.type, os.environ["CUDA_VISIBLE_DEVICES"]) == ("cpu", "4")
        assert capsys.readouterr().err == "first: torch cannot use 4, computing on the CPU\n"
        monkeypatch.setattr("torch.cuda.is_available", lambda: True)
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")  # as another process has it
        with leased("cuda", gpus, "second") as device:
            assert (device.type, os.environ["CUDA_VISIBLE_DEVICES"]) == ("cuda", "7")
            assert _locked(gpus) == ["4.lock", "7.lock"]
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "4,7"
    assert _locked(gpus) == []


def test_without_a_device_or_with_device_cpu_nothing_is_leased(gpus, monkeypatch):
    for name, visible in (("auto", None), ("auto", ""), ("auto", "-1"), ("cpu", "0,1")):
        if visible is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        with leased(name, gpus, "job") as device:
            assert device.type == "cpu" and os.environ.get("CUDA_VISIBLE_DEVICES") == visible
    assert not Path(gpus.leases).exists()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(ValueError, match="no CUDA device"), leased("cuda", gpus, "job"):
        pass


def test_a_gpu_that_only_torch_knows_is_refused(gpus, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    with pytest.raises(ValueError, match="CUDA_VISIBLE_DEVICES"), leased("auto", gpus, "job"):
        pass


def test_a_slurm_job_with_one_gpu_leases_none(gpus, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "31")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    for visible in ("0", "GPU-5d5ba0d6"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        with leased("auto", gpus, "one") as device, leased("auto", gpus, "another") as other:
            assert device.type == other.type == "cuda" and os.environ["CUDA_VISIBLE_DEVICES"] == visible
    assert not Path(gpus.leases).exists()


def test_a_slurm_job_with_several_gpus_leases_them_among_its_own_processes(gpus, monkeypatch):
    with ExitStack() as stack:
        for job, seen in (("31", "0"), ("31", "1"), ("32", "0")):  # numbers of another job may be other devices
            monkeypatch.setenv("SLURM_JOB_ID", job)
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
            stack.enter_context(leased("auto", gpus, "job"))
            assert os.environ["CUDA_VISIBLE_DEVICES"] == seen
        assert _locked(gpus) == ["slurm-31.batch-0.lock", "slurm-31.batch-1.lock", "slurm-32.batch-0.lock"]


@pytest.mark.parametrize(("number", "share", "holders"), [(1, True, 1), (3, True, 3), (3, False, 1)])
def test_the_settings_say_how_many_trainings_share_a_device(gpus, monkeypatch, number, share, holders):
    settings = gpus.model_copy(update={"trainings_per_device": number})
    with ExitStack() as stack:
        for _ in range(holders):
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
            stack.enter_context(leased("auto", settings, "train", share))
        for again in {share, False}:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
            with pytest.raises(ValueError, match="it would wait"):
                stack.enter_context(leased("auto", settings, "one more", again))


def test_cuda_in_use_already_is_too_late(gpus, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr("torch.cuda.is_initialized", lambda: True)
    with pytest.raises(AssertionError, match="too late"), leased("auto", gpus, "job"):
        pass
    assert _locked(gpus) == []


def test_nothing_asks_for_cuda_before_the_lease():
    """The first question fixes which devices a process sees, so importing the stages must not ask it."""
    code = (
        "import sys, abaw_pipeline.runtime.lease; assert 'torch' not in sys.modules; import torch\n"
        "def asked(*_): raise AssertionError('asked for CUDA')\n"
        "torch._C._cuda_getDeviceCount = torch.cuda.is_available = torch.cuda.device_count = asked\n"
        "import abaw_pipeline.predict, abaw_pipeline.training.train, abaw_pipeline.features.registry as r\n"
        "[r.EXTRACTORS[name] for name in r.EXTRACTORS]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("gpus", "message"),
    [
        ({"trainings_per_device": 0}, "gpus.trainings_per_device: "),
        ({"trainings_per_device": 1.5}, "gpus.trainings_per_device: "),
        ({"leases": ""}, "gpus.leases: "),
        ({"trainings": 2}, "gpus.trainings: unknown key; did you mean 'trainings_per_device'?"),
        (2, "gpus: "),
    ],
)
def test_wrong_settings_are_one_line(gpus, message):
    with pytest.raises(ValueError, match=f"^config.yaml: {re.escape(message)}") as error:
        check({**SETTINGS, "gpus": gpus}, "config.yaml")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("device", "alone", "shared"), [("auto", 3, 1), ("cpu", 0, 0)])
def test_jobs_ask_snakemake_for_shares_of_a_device(tmp_path, device, alone, shared):
    settings = {**SETTINGS, "device": device, "gpus": {"trainings_per_device": 3}}
    project = Project.copy(tmp_path / "project", settings)
    for file in (project.root / "workflow/rules").glob("*.smk"):  # a job with a message does not print its resources
        file.write_text(re.sub(r"    message:\n.*\n", "", file.read_text()))
    done = project.run("snakemake", "--workflow-profile", "none", "--cores", "2", "--dry-run")
    assert done.returncode == 0, done.stderr
    asked = {}
    for job in done.stdout.split("\nrule ")[1:]:
        if units := re.search(r"\bgpu=(\d+)", job):
            what = re.search(r"\bfeature=(\w+)", job) or re.match(r"(\w+)", job)
            asked.setdefault(what[1], set()).add(int(units[1]))
    assert asked == {"densenet": {alone}, "fbank": {0}, "train": {shared}, "infer": {shared}}
