"""Snakemake's own linter over the rules."""

from __future__ import annotations

import yaml

from tests.project import ROOT, Project

ENVIRONMENT = "Specify a conda environment or container for each rule."


def test_snakemake_has_nothing_to_say_against_the_rules(tmp_path):
    project = Project.copy(tmp_path / "project", yaml.safe_load((ROOT / "config.yaml").read_text()))
    done = project.run("snakemake", "--lint")
    said = {line.removeprefix("    * ").removesuffix(":") for line in done.stderr.splitlines() if line[:6] == "    * "}
    assert said <= {ENVIRONMENT}, done.stderr
    assert said or "your workflow is in a good condition" in done.stderr
