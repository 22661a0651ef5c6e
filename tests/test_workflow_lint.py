"""Snakemake's own linter over the rules."""

from __future__ import annotations

import yaml

from tests.project import ROOT, Project


def test_snakemake_has_nothing_to_say_against_the_rules(tmp_path):
    project = Project.copy(tmp_path / "project", yaml.safe_load((ROOT / "config.yaml").read_text()))
    done = project.run("snakemake", "--lint")
    assert done.returncode == 0 and "your workflow is in a good condition" in done.stderr, done.stderr
