"""`abaw predict` on the command line: what is a recording, what is not, and what is said when nothing was trained."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from abaw_pipeline.cli.predict import _recordings
from tests.project import SETTINGS


def _predict(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "config.yaml").write_text(yaml.safe_dump(SETTINGS))
    command = [sys.executable, "-m", "abaw_pipeline", "predict", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_folders_stand_for_their_recordings_and_other_files_are_named(tmp_path):
    for name in ("b.mp4", "a.MOV", "notes.md"):
        (tmp_path / name).write_bytes(b"")
    recordings, others = _recordings((tmp_path, tmp_path / "notes.md"))
    assert [path.name for path in recordings] == ["a.MOV", "b.mp4"]
    assert others == [tmp_path / "notes.md"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gone.mp4", "--ensemble", "va", "--out", "out"), "gone.mp4: no such file or folder"),
        (("config.yaml", "--ensemble", "va", "--out", "out"), "config.yaml: no recording there"),
        (("x.mp4", "--ensemble", "vaa", "--out", "out"), "no ensemble 'vaa'; did you mean 'va'?"),
    ],
)
def test_mistakes_are_one_line(tmp_path, words, message):
    (tmp_path / "x.mp4").write_bytes(b"")
    done = _predict(tmp_path, *words)
    assert done.returncode == 2
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


def test_nothing_trained_names_the_command_that_trains(tmp_path):
    from tests.media_fixtures import flashes, steady, write_clip

    write_clip(tmp_path / "x.mp4", steady(10, 1), flashes(10, []))
    done = _predict(tmp_path, "x.mp4", "--ensemble", "va", "--out", "out")
    assert done.returncode == 2
    assert "abaw train both --fold official --seed 0" in done.stderr or "abaw train" in done.stderr
    assert not list((tmp_path / "out").glob("*.csv"))
