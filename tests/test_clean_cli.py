"""``abaw clean``: it lists, asks, and removes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from abaw_pipeline.cli import main
from abaw_pipeline.runtime.paths import Layout
from tests.finished_results import finished
from tests.project import SETTINGS


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return finished(tmp_path / "results")


@pytest.fixture
def command(layout: Layout, tmp_path: Path) -> list[str]:
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({**SETTINGS, "results": str(layout.results), "shards": 1}))
    return ["--config", str(file), "clean"]


def test_the_command_lists_asks_and_removes(
    layout: Layout, command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = layout.media_shard(1)
    with pytest.raises(SystemExit) as stop:
        main(command)
    shown = capsys.readouterr()
    assert stop.value.code == 2 and "--yes" in shown.err and len(shown.err.splitlines()) == 1 and stale.exists()
    assert f"{stale.parent}: beyond shards: 1" in shown.out and "copies of earlier settings" in shown.out
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for answer, gone in (("n", False), ("y", True)):
        monkeypatch.setattr("click.confirm", lambda *_, answer=answer, **__: answer == "y")
        main(command)
        assert stale.exists() is not gone
    main(command)
    assert "nothing to remove" in capsys.readouterr().out


def test_yes_removes_without_a_terminal(layout: Layout, command: list[str]) -> None:
    words = [sys.executable, "-m", "abaw_pipeline", *command, "--yes"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("removed") and not layout.media_shard(1).exists()
    assert layout.media_shard(0).exists()
