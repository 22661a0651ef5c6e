"""The jobs that ``abaw plan`` counts are those that Snakemake would start."""

from __future__ import annotations

import copy
import re
from collections import Counter
from pathlib import Path

import pytest

from abaw_pipeline.demo.corpus import write_corpus
from abaw_pipeline.planning.plan import plan
from abaw_pipeline.planning.rates import EARLIER
from abaw_pipeline.planning.stages import Stages
from abaw_pipeline.settings_file import load
from tests.project import SETTINGS, Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = Project.copy(tmp_path / "project")
    monkeypatch.chdir(made.root)  # the settings name folders beside them
    return made


def _corpus(project: Project) -> None:
    write_corpus(project.root / "data/demo", 6, 3, seconds=(0.8, 1.2), workers=1)


def _planned() -> Counter[str]:
    found: Counter[str] = Counter()
    for work in Stages(load(Path("config.yaml"))).works():
        found[work.stage] += work.new
    return +found


def _announced(project: Project) -> Counter[str]:
    """New jobs by rule, as a dry run tells."""
    done = project.run("snakemake", "--cores", "2", "--dry-run")
    assert done.returncode == 0, done.stderr
    listed = re.search(r"^\d+ jobs: (.*)$", done.stdout + done.stderr, re.MULTILINE)
    assert listed, done.stdout + done.stderr
    counts = re.findall(r"(\d+) (\w+)", listed[1])
    return Counter({rule: int(number) for number, rule in counts if rule != "all"})


def test_before_the_corpus_is_written_every_job_is_new(project: Project) -> None:
    works = Stages(load(Path("config.yaml"))).works()
    assert _planned() == _announced(project) and not any(work.done for work in works)
    assert {work.amount for work in works if work.key} == {None}


def test_with_the_data_there_the_corpus_is_not_counted(project: Project) -> None:
    _corpus(project)
    planned = _planned()
    assert planned == _announced(project) and "corpus" not in planned


@pytest.mark.slow
def test_after_a_run_only_what_changed_is_new_and_speeds_are_those_of_the_run(project: Project) -> None:
    _corpus(project)
    done = project.run("snakemake", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not _planned()
    raw = copy.deepcopy(SETTINGS)
    raw["experiments"]["both"]["seeds"] = [0, 1]
    project.settings(raw)
    assert _planned() == _announced(project)
    made = plan(load(Path("config.yaml")), lambda: pytest.fail("nothing is to be tried"))
    tried = [line for line in made.lines if line.work.new and line.work.amount]
    assert {line.work.stage for line in tried} == {"train", "infer"}
    assert {line.rate.source for line in tried if line.rate} == {EARLIER} and not made.unknown
    raw["features"]["fbank"]["bins"] = 25
    project.settings(raw)
    assert _planned() == _announced(project)
