"""The environment file says what pyproject.toml says, and editing it, or a rule, reruns nothing."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.project import ROOT, Project

ENVIRONMENT = yaml.safe_load((ROOT / "envs/abaw.yaml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
INDEX = "results/demo/clips.json"
CONDA = """#!/bin/bash
# Stands in for conda: an environment is a folder whose python says that it was used.
case "$*" in
  "info --json") echo '{{"conda_prefix": "{base}", "platform": "linux-64"}}' ;;
  --version) echo "conda 24.9.0" ;;
  "config --get"*) echo '{{"get": {{"channel_priority": "strict"}}}}' ;;
  *create*) while [ "$1" != --prefix ]; do shift; done; mkdir -p "$2/bin" "$2/conda-meta"
    printf '#!/bin/bash\\necho "$PYTHONPATH|$*" >> {base}/calls\\nexec {python} "$@"\\n' > "$2/bin/python"
    chmod +x "$2/bin/python" ;;
  clean*) ;;
  *) echo "not foreseen: $*" >&2; exit 1 ;;
esac
"""


def test_the_environment_lists_the_dependencies_of_the_package():
    python, pip, packages = ENVIRONMENT["dependencies"]
    assert python == f"python{PROJECT['requires-python']}" and pip == "pip"
    assert packages["pip"] == PROJECT["dependencies"]


def test_constraints_pin_every_dependency_once():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = [_name(line) for line in lines if line and not line.startswith("#")]
    extras = [name for names in PROJECT["optional-dependencies"].values() for name in names]
    assert len(pinned) == len(set(pinned))
    assert {_name(line) for line in [*PROJECT["dependencies"], *extras]} <= set(pinned)


def _name(requirement: str) -> str:
    return re.split(r"[<>=!~ \[;]", requirement)[0].lower().replace("_", "-")


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    """A project whose index is made."""
    project = Project.copy(tmp_path_factory.mktemp("run") / "project")
    done = project.run("snakemake", "--cores", "2", INDEX)
    assert done.returncode == 0, done.stderr
    return project


def _edit(file: Path, old: str, new: str) -> None:
    source = file.read_text()
    assert old in source
    file.write_text(source.replace(old, new))


@pytest.mark.parametrize("profile", ["default", "slurm"])
def test_an_edited_environment_or_rule_reruns_nothing(indexed, profile):
    for file, old, new in [
        ("envs/abaw.yaml", "- pip\n", "- pip\n  - tini\n"),
        ("workflow/rules/data.smk", "index {wildcards.dataset} >", "index  {wildcards.dataset} >"),
    ]:
        kept = (indexed.root / file).read_text()
        _edit(indexed.root / file, old, new)
        done = indexed.run("snakemake", "--workflow-profile", f"profiles/{profile}", "--cores", "2", "-n", INDEX)
        (indexed.root / file).write_text(kept)
        assert done.returncode == 0 and "Nothing to be done" in done.stdout + done.stderr, done.stdout


def test_with_conda_the_rules_run_the_environments_python_on_this_package(tmp_path, monkeypatch):
    project, base = Project.copy(tmp_path / "project"), tmp_path / "conda"
    (base / "bin").mkdir(parents=True)
    (base / "bin/conda").write_text(CONDA.format(base=base, python=sys.executable))
    (base / "bin/activate").write_text('export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n')
    (base / "bin/conda").chmod(0o755)
    monkeypatch.setenv("PATH", f"{base}/bin:{os.environ['PATH']}")
    command = ("snakemake", "--cores", "1", "--software-deployment-method", "conda")
    done = project.run(*command, "--", INDEX)
    assert done.returncode == 0, done.stdout + done.stderr
    calls = [line.split("|") for line in (base / "calls").read_text().splitlines()]
    assert [words.split()[4 if "--config" in words else 2] for _, words in calls] == ["demo", "listing", "index"]
    assert {path for path, _ in calls} == {str(project.root)}
    copied = next((project.root / ".snakemake/conda").glob("*.yaml"))
    assert yaml.safe_load(copied.read_text()) == ENVIRONMENT
    _edit(project.root / "envs/abaw.yaml", "- pip\n", "- pip\n  - tini\n")
    again = project.run(*command, "--dry-run", "--", INDEX)
    assert "Nothing to be done" in again.stdout + again.stderr, "another environment reruns nothing"
