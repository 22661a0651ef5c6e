"""Every layout from its own settings file: corpus, doctor, features, training, ensemble, submission, lint, score."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from abaw_pipeline.config import Config
from abaw_pipeline.datasets.registry import ADAPTERS
from abaw_pipeline.settings_file import load
from abaw_pipeline.tracks import TRACKS
from tests.project import ROOT, Project

LAYOUTS = sorted(path.stem for path in (ROOT / "workflow" / "layouts").glob("*.yaml"))


def test_every_layout_with_labels_has_its_settings_file() -> None:
    assert set(LAYOUTS) == set(ADAPTERS) - {"recordings"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_settings_of_each_layout_are_valid(layout: str) -> None:
    config = load(ROOT / "workflow" / "layouts" / f"{layout}.yaml")
    assert layout in {settings.adapter for settings in config.datasets.values()}
    assert len(config.features) >= 2 and config.ensembles


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_goes_from_recordings_to_a_scored_submission(layout: str, tmp_path: Path) -> None:
    project = Project.copy(tmp_path / "project")
    (project.root / "config.yaml").write_text((ROOT / "workflow" / "layouts" / f"{layout}.yaml").read_text())
    config = load(project.root / "config.yaml")
    for name, settings in config.datasets.items():
        made = settings.generate
        clips, seed = str(made.clips), str(made.seed)
        _run(project, "abaw", "demo", settings.root, "--layout", settings.adapter, "--clips", clips, "--seed", seed)
        assert "error" not in _run(project, "abaw", "doctor", name).splitlines()[-1]
    _run(project, "snakemake", "--cores", "2")
    written = _submissions(project, config)
    assert written
    for dataset, track, path in written:
        settings = config.datasets[dataset]
        sample = f"{settings.root}/{settings.samples[track]}"
        assert "ok: " in _run(project, "abaw", "lint", track, str(path), "--sample", sample)
        scored = _run(project, "abaw", "score", track, str(path), _truth(project, settings.root, settings.truth, track))
        assert re.search(r"-?\d\.\d{3}", scored)


def _run(project: Project, *command: str) -> str:
    done = project.run(*command)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _submissions(project: Project, config: Config) -> list[tuple[str, str, Path]]:
    """Data set, track and file of every submission file."""
    found = []
    for name, settings in config.datasets.items():
        for track in settings.samples:
            folder = project.root / config.results / name / "submissions"
            found += [(name, track, path) for path in sorted(folder.glob(f"*/{track}{TRACKS[track].suffix}"))]
    return found


def _truth(project: Project, root: str, truth: str, track: str) -> str:
    folder = project.root / root / truth
    return str(folder / track if (folder / track).is_dir() else folder / f"{track}{TRACKS[track].suffix}")
