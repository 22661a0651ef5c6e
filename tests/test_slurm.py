"""Recordings to submission on a real SLURM, and what a cluster does to running jobs. Minutes; run by make test-all."""

from __future__ import annotations

import copy
import re
import signal
import subprocess
from collections import Counter
from itertools import chain

import pytest

from abaw_pipeline.runtime.paths import shard_of
from abaw_pipeline.training.memory import BASE_MB, manifests_mb
from tests.project import SETTINGS as PLAIN
from tests.project import Project
from tests.slurm_cluster import Cluster, as_a_site_does, choose_partitions, lacking, slurm, snakemake

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(lacking()), reason=lacking() or "-")]

SETTINGS = {**PLAIN, "device": "auto"}  # with device: cpu no job asks for a GPU
SUBMISSION = "results/demo/submissions/va/va.txt"
FEATURE = "results/demo/features/densenet.json"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster.start(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def finished(cluster, tmp_path_factory):
    """A whole run: the project, its jobs, and moment by moment the devices in use (``gpu:1(IDX:0)``)."""
    project = Project.copy(tmp_path_factory.mktemp("run") / "project", SETTINGS)
    as_a_site_does(project)
    choose_partitions(project)
    moments = []
    with snakemake(project) as run:
        run.until(cluster.jobs, "job")
        (project.root / "config.yaml").write_text("an edit during the run: [")
        code = run.end(lambda: moments.append([job["GRES"] for job in cluster.jobs("RUNNING") if job.get("GRES")]))
        assert code == 0, run.text
    project.settings(SETTINGS)
    return project, cluster.jobs(), moments


@pytest.fixture
def project(finished):
    """The finished project; a test changes settings, and they are put back."""
    yield finished[0]
    finished[0].settings(SETTINGS)
    as_a_site_does(finished[0])


def stale(project: Project, seed: int, **experiment: int) -> None:
    """Other random weights of densenet, or other settings of the experiment 'both'."""
    settings = copy.deepcopy(SETTINGS)
    settings["features"]["densenet"]["weights"]["seed"] = seed
    settings["experiments"]["both"].update(experiment)
    project.settings(settings)


def stores(project: Project) -> set[tuple[str, int]]:
    """Clips in the store, each with the number of its folder on the disk: another one when it was written again."""
    folders = (project.root / "results/demo/features/densenet.zarr").glob("[!.]*/")
    return {(folder.name, folder.stat().st_ino) for folder in folders if folder.is_dir()}


def about(job: dict[str, str]) -> str:
    return job["Comment"].removeprefix("rule_").replace("_wildcards", "")


def test_recordings_to_submission(finished):
    project, jobs, _ = finished
    done = project.run("abaw", "lint", "va", SUBMISSION, "--sample", "data/demo/sample_submission/va.txt")
    assert done.returncode == 0, done.stderr
    names = Counter(re.sub(r"_(demo|densenet|fbank|\d)", "", about(job)) for job in jobs)
    assert names == {
        "corpus": 1,
        "index": 1,
        "media": 2,
        "extract": 4,
        "join": 2,
        "model_infer_train": 3,
        "fusion_ensemble_submit": 1,
        "report": 1,
    }
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    manifests = [str(project.root / f"results/demo/features/{name}.json") for name in ("densenet", "fbank")]
    both = manifests_mb(manifests)  # a group asks for the larger of training and prediction, here the training
    assert f"{both}M" in {job["MinMemoryNode"] for job in jobs if "train" in about(job)} and both > BASE_MB
    for options in (("--workflow-profile", "profiles/slurm"), ("--cores", "2")):  # the other profile reruns nothing
        again = project.run("snakemake", "--dry-run", *options)
        assert "Nothing to be done" in again.stdout + again.stderr, again.stdout


def test_each_gpu_job_has_one_device_of_its_own(finished):
    _, jobs, moments = finished
    asked = {about(job): job["JOB_GRES"] for job in jobs}
    assert {name for name, gres in asked.items() if gres != "(null)"} == {
        "extract_demo_densenet_0",
        "extract_demo_densenet_1",
        "model_infer_train",
    }
    assert set(asked.values()) == {"(null)", "gpu:1"}
    assert set(chain(*moments)) == {"gpu:1(IDX:0)", "gpu:1(IDX:1)"}
    assert all(len(moment) == len(set(moment)) for moment in moments)


def test_a_job_over_its_time_says_so_and_the_next_run_finishes(cluster, project):
    as_a_site_does(project, train={"runtime": 1}, infer={"runtime": 0})
    stale(project, seed=0, epochs=10**6)
    with snakemake(project, "--retries", "0") as run:
        assert run.end() == 1
    assert "DUE TO TIME LIMIT" in run.text
    assert [job["JobState"] for job in cluster.jobs()].count("TIMEOUT") == 1
    project.settings(SETTINGS)
    with snakemake(project) as run:
        assert run.end() == 0, run.text


def test_a_cancelled_job_starts_again_and_keeps_finished_clips(cluster, project):
    before = stores(project)
    assert {shard_of(name, 2) for name, _ in before} == {1}, "one job extracts them all"
    stale(project, seed=1)
    with snakemake(project, FEATURE) as run:
        kept = run.until(lambda: stores(project) - before, "extracted clip")
        job = next(job for job in cluster.jobs("RUNNING") if about(job) == "extract_demo_densenet_1")
        slurm("scancel", job["JobId"])
        assert run.end() == 0, run.text
    assert f"SLURM-job '{job['JobId']}' failed, SLURM status is: 'CANCELLED'" in run.text
    assert 0 < len(kept) < len(before), "it was cancelled midway"
    assert kept <= stores(project) and not stores(project) & before


def test_a_lost_node_and_then_a_lost_controller(cluster, project):
    stale(project, seed=2)
    with snakemake(project, FEATURE) as run:
        jobs = run.until(lambda: cluster.jobs("RUNNING"), "running job")
        node = jobs[0]["NodeList"]
        slurm("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
        run.until(lambda: not cluster.jobs("RUNNING", "COMPLETING"), "end of the node's jobs")
        subprocess.run(["scontrol", "update", f"NodeName={node}", "State=RESUME"], check=False)  # or it is back already
        again = run.until(lambda: cluster.jobs("PENDING"), "job that waits again")
        for job in again:  # SLURM would wait two minutes
            slurm("scontrol", "update", f"JobId={job['JobId']}", "StartTime=now")
        run.until(lambda: cluster.jobs("RUNNING"), "running job")
        cluster.stop_controller()
        run.until(lambda: "SLURM does not answer" in run.text, "unanswered question")
        cluster.start_controller()
        assert run.end() == 0, run.text
    assert {job["Restarts"] for job in cluster.jobs() if job["JobId"] in {job["JobId"] for job in again}} == {"1"}


def test_an_interrupt_cancels_the_jobs_and_the_next_run_finishes(cluster, project):
    stale(project, seed=3)
    with snakemake(project) as run:
        run.until(lambda: cluster.jobs("RUNNING"), "running job")
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 1
    assert not cluster.jobs("RUNNING", "PENDING")
    with snakemake(project) as run:
        assert run.end() == 0, run.text
    done = project.run("abaw", "lint", "va", SUBMISSION, "--sample", "data/demo/sample_submission/va.txt")
    assert done.returncode == 0, done.stderr
