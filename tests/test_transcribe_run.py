"""The rule ``transcribe``: runs where a feature reads what it makes, and a corrected file costs its own clip."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from abaw_pipeline.demo.corpus import write_corpus
from tests.project import SETTINGS, Project

TARGETS = ["results/demo/features/words.json"]


def _snakemake(project: Project, *more: str) -> str:
    done = project.run("snakemake", "--cores", "2", *more, *TARGETS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _did(project: Project) -> list[str]:
    """Clips extracted so far, by the journals."""
    files = sorted((project.root / "results/journal/extract").glob("demo-words-*.jsonl"))
    lines = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    return [line["did"] for line in lines if "did" in line]


def test_transcripts_are_made_corrected_and_read(tmp_path: Path) -> None:
    raw = copy.deepcopy(SETTINGS) | {"shards": 1}
    del raw["datasets"]["demo"]["generate"]
    random = {"source": "random"}
    raw["transcripts"] = {"weights": random, "window_s": 2.0, "context_s": 0.5}
    words = {"extractor": "text", "weights": random, "dimension": 8, "transcripts": {"source": "made"}}
    raw["features"]["words"] = words
    raw["experiments"]["both"]["features"] = ["fbank", "words"]
    project = Project.copy(tmp_path / "project", raw)
    write_corpus(project.root / "data/demo", 6, 3, seconds=(1.0, 1.3))
    _snakemake(project)
    made = sorted((project.root / "results/demo/transcripts").glob("*.vtt"))
    assert len(made) == len(_did(project)) == 6
    assert "up to date" in project.run("abaw", "why", "words").stdout

    made[0].write_text("WEBVTT\n\n00:00.100 --> 00:00.500\nas a person heard it\n")
    assert "with other files than it was made from" in project.run("abaw", "why", "words").stdout
    _snakemake(project)
    assert _did(project)[6:] == [made[0].stem]
    assert "Nothing to be done" in _snakemake(project, "--dry-run")

    made[1].unlink()
    assert "1 clip not transcribed" in project.run("abaw", "why", "words").stdout
    _snakemake(project)
    assert made[1].is_file() and len(_did(project)) == 7  # heard again the same: nothing is extracted
    status = project.run("abaw", "status").stdout
    assert "transcripts of demo" in status and "6 of 6" in status.partition("transcripts of demo")[2].splitlines()[0]
