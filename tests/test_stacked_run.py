"""Stacking and ensembles that choose, run as a user runs them: two stages in one run, what a change makes stale."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.project import SETTINGS, Project

ENCODER = {"name": "gru", "hidden": 8}
FOLDS = {"name": "kfold", "k": 2, "over": "train"}


def settings() -> dict[str, Any]:
    """Two repetitions of a first stage, a second one on their scores, ensembles of ensembles, everything searched."""
    raw = copy.deepcopy(SETTINGS)
    raw["features"] = {
        "fbank": SETTINGS["features"]["fbank"],
        "scores": {"extractor": "stack", "task": "va", "experiments": ["first1", "first2"]},
    }
    one = {"task": "va", "encoder": ENCODER, "epochs": 2}
    raw["experiments"] = {
        **{f"first{i}": {**one, "features": ["fbank"], "folds": {**FOLDS, "seed": i}} for i in (1, 2)},
        "second": {**one, "features": ["scores", "fbank"], "folds": FOLDS},
    }
    raw["ensembles"] = {
        "va": {"task": "va", "members": ["second", "both"], "method": "greedy", "smooth": {"name": "gaussian"}},
        "both": {"task": "va", "members": ["first*"], "columns": {"arousal": ["first1"]}},
    }
    return raw


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.copy(tmp_path_factory.mktemp("stacked") / "project", settings())
    done = project.run("snakemake", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.mark.slow
def test_two_stages_and_ensembles_of_ensembles_make_a_submission(finished: Project) -> None:
    for name in ("va", "both"):
        sent = f"results/demo/submissions/{name}/va.txt"
        done = finished.run("abaw", "lint", "va", sent, "--sample", "data/demo/sample_submission/va.txt")
        assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in (again := finished.run("snakemake", "--cores", "2")).stdout + again.stderr


@pytest.mark.slow
def test_another_first_stage_makes_everything_above_it_stale(finished: Project) -> None:
    assert "training second/fold1-0: up to date" in finished.run("abaw", "why", "second/fold1-0").stdout
    assert "va/va.txt: up to date" in finished.run("abaw", "why", "va").stdout
    changed = settings()
    changed["experiments"]["first2"]["epochs"] = 3
    finished.settings(changed)
    try:
        jobs, why = finished.dry_run(), finished.run("abaw", "why", "second/fold1-0").stdout
    finally:
        finished.settings(settings())
    assert jobs == {
        *((verb, "first2") for verb in ("train", "infer")),
        *((verb, "scores") for verb in ("extract", "join")),
        *((verb, "second") for verb in ("train", "infer")),
        *((verb, name) for verb in ("ensemble", "submit") for name in ("va", "both")),
        ("report", ""),
    }
    assert "training second/fold1-0: stale" in why
    assert "feature scores on demo: stale" in why and "epochs: was 2, is 3" in why


@pytest.mark.slow
def test_recordings_are_predicted_by_both_stages(finished: Project, tmp_path: Path) -> None:
    clip = sorted((finished.root / "data/demo/batch2").glob("*.mp4"))[0]
    done = finished.run("abaw", "predict", str(clip), "--ensemble", "va", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "1 of 1 recordings predicted" in done.stdout
