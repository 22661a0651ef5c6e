"""The plugin under Snakemake itself: found, chosen by the profile, and a run with one job that fails."""

from __future__ import annotations

import copy
import re
import shlex
import subprocess
import sys

import pytest

from tests.affwild2_folder import annotate, put
from tests.project import ROOT, SETTINGS, Project

MEDIA = "results/demo/manifests/media/0.json"
LOG = "results/logs/media/demo-0.log"
FAULT = "for number in range(40):\n    print(f'step {number}', flush=True)\nraise RuntimeError('no media today')\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Two clips of one crop each, which is enough for an index and a media job."""
    settings = copy.deepcopy(SETTINGS)
    settings["datasets"]["demo"] = {"adapter": "affwild2", "root": "data", "tasks": ["va"]}
    settings["shards"] = 1
    project = Project.copy(tmp_path_factory.mktemp("logger") / "project", settings)
    for clip in ("1-30-1280x720", "314"):
        annotate(project.root / "data", clip)
        put(project.root / "data/cropped_aligned" / clip / "00001.jpg", b"a face")
    return project


def test_a_run_with_a_job_that_fails_and_the_run_after_its_repair(project):
    verb = project.root / "abaw_pipeline/cli/media.py"
    sound = verb.read_text()
    verb.write_text(f"{FAULT}{sound.replace('from __future__ import annotations', '')}")
    done = project.run("snakemake", "--cores", "2", "results/demo/manifests/features/fbank/0.json")
    assert done.returncode == 1
    _, start, index, *failure, recap, named = done.stderr.splitlines()
    assert start == "3 jobs on 2 cores: 1 index, 1 media, 1 extract"
    assert re.fullmatch(r"\[1/3] list the clips of demo: results/demo/clips.json: 2 clips, 0 skipped \(.*s\)", index)
    assert failure[0] == "FAILED: faces and sound of demo, shard 0 (exit status 1)"
    assert [line.removeprefix("    | ") for line in failure[1:16]] == (project.root / LOG).read_text().splitlines()[
        -15:
    ]
    assert failure[15] == "    | RuntimeError: no media today" and failure[16] == f"    log: {LOG}"
    assert re.match("1 of 3 jobs failed, 1 done, 1 not reached, in ", recap)
    assert named == f"    faces and sound of demo, shard 0: {LOG}"

    repeat = shlex.split(failure[17].removeprefix("    repeat: "))
    assert repeat[:2] == ["abaw", "--config"] and ".settings" in repeat[2] and repeat[3:5] == ["media", "demo"]
    assert "RuntimeError: no media today" in project.run(*repeat).stderr  # the same job, and its error on the terminal
    verb.write_text(sound)
    assert project.run(*repeat).returncode == 0

    done = project.run("snakemake", "--cores", "2", "--force", MEDIA)
    assert done.returncode == 0 and done.stderr.splitlines()[-1].startswith("1 job in ")
    done = project.run("snakemake", "--cores", "2", MEDIA)
    assert done.stderr.splitlines()[1:] == ["Nothing to be done (all requested files are present and up to date)."]


def test_a_job_of_a_cluster_does_without_the_plugin(project, monkeypatch):
    copies = (project.root / "results/.settings").glob("[0-9a-f]*.json")
    settings = next(path for path in copies if len(path.stem) == 16)
    monkeypatch.setenv("ABAW_SETTINGS", str(settings.relative_to(project.root)))  # as Snakemake gives it to jobs
    done = project.run(
        "snakemake", "--cores", "1", "--mode", "remote", "--force", "--nolock", "results/demo/clips.json"
    )
    assert done.returncode == 0, done.stderr
    assert "Finished jobid" in done.stderr and not re.search(r"^\[1/1", done.stderr, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("how", [["-e"], []])
def test_an_installation_puts_the_plugin_where_snakemake_looks(tmp_path, how):
    pytest.importorskip("setuptools")
    source, target = tmp_path / "source", tmp_path / "target"
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for file in files:
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        (source / file).write_bytes((ROOT / file).read_bytes())
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), *how, str(source)], check=True, capture_output=True)
    code = (
        f"import site; site.addsitedir({str(target)!r}); "
        "from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry as R; "
        "import snakemake_logger_plugin_abaw as p; print(R().get_registered_plugins(), p.__file__)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "'abaw'" in done.stdout and str(source if how else target) in done.stdout
