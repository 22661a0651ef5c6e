"""A copy of the project that a test may run, edit and break."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
PACKAGES = ("abaw_pipeline", "snakemake_logger_plugin_abaw")
PARTS = ("Snakefile", "config.yaml", "workflow", "profiles", "envs", "Makefile", *PACKAGES)

# Small and quick: what is learnt does not matter here, that everything passes through does.
SETTINGS: dict[str, Any] = {
    "results": "results",
    "shards": 2,
    "device": "cpu",
    "allow_random_weights": True,
    "datasets": {
        "demo": {
            "adapter": "affwild2",
            "root": "data/demo",
            "generate": {"clips": 6, "seed": 3},
            "tasks": ["va"],
            "test_lists": {"va": "names_of_videos_in_each_test_set/va_test_set_release.txt"},
            "samples": {"va": "sample_submission/va.txt"},
            "truth": "truth",
        }
    },
    "features": {
        "densenet": {"extractor": "densenet", "weights": {"source": "random"}},
        "fbank": {"extractor": "fbank", "bins": 24},
    },
    "experiments": {
        name: {
            "task": "va",
            "features": features,
            "encoder": {"name": "gru", "hidden": 8},
            "epochs": 2,
            "folds": folds,
        }
        for name, features, folds in (
            ("both", ["densenet", "fbank"], {"name": "official"}),
            ("face", ["densenet"], {"name": "kfold", "k": 2}),
        )
    },
    "ensembles": {"va": {"task": "va", "members": ["both", "face"]}},
}


@dataclass(frozen=True)
class Project:
    """A folder with a copy of the project in it."""

    root: Path

    @classmethod
    def copy(cls, root: Path, settings: dict[str, Any] | None = None) -> Project:
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                root.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, root / part)
        project = cls(root)
        project.settings(settings or SETTINGS)
        return project

    def settings(self, settings: dict[str, Any]) -> None:
        (self.root / "config.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command with this copy of the package; ``abaw`` and ``snakemake`` are those of the environment."""
        programs = {"abaw": ["-m", "abaw_pipeline"], "snakemake": ["-m", "snakemake"]}
        environment = {**os.environ, "PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, *programs[command[0]], *command[1:]],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def dry_run(self) -> set[tuple[str, str]]:
        """(verb, what it is about) of every job that a dry run lists: the feature, experiment or ensemble."""
        done = self.run("snakemake", "--cores", "2", "--dry-run", "--printshellcmds")
        assert done.returncode == 0, done.stderr
        commands = re.findall(r"-m abaw_pipeline --config \S+ (.*?) > ", done.stdout + done.stderr)
        return {(words[0], _about(words)) for words in map(str.split, commands)}


def _about(words: list[str]) -> str:
    position = {"extract": 2, "join": 2, "train": 1, "infer": 1, "ensemble": 1, "submit": 1}.get(words[0])
    return words[position] if position else ""
