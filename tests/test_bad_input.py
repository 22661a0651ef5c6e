"""Bad input: each fault is named and its clip left out; every other clip is finished and kept."""

from __future__ import annotations

import copy
import json

import pytest

from abaw_pipeline.submission.lint import lint
from tests.project import SETTINGS, Project

LABELS = "data/demo/VA_Estimation_Challenge/Train_Set"


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A finished run over a corpus with a fault in six of its ten training and validation clips."""
    settings = copy.deepcopy(SETTINGS)
    settings["datasets"]["demo"]["generate"] = {"clips": 14, "seed": 1}
    settings["features"] = {"fbank": {"extractor": "fbank", "bins": 24}}
    settings["experiments"] = {
        "sound": {"task": "va", "features": ["fbank"], "encoder": {"name": "gru", "hidden": 8}, "epochs": 1}
    }
    settings["ensembles"]["va"]["members"] = ["sound"]
    project = Project.copy(tmp_path_factory.mktemp("bad") / "project", settings)
    assert project.run("abaw", "demo", "data/demo", "--clips", "14", "--seed", "1").returncode == 0
    return project, settings, _plant(project)


def _plant(project):
    """Break six training clips that have a recording of their own; fault name to clip."""
    root = project.root / "data/demo"
    names = dict(zip(("truncated", "empty", "header", "rows", "crops"), _alone(root, "Train_Set"), strict=False))
    names["crop"] = _alone(root, "Validation_Set")[0]
    assert len(names) == 6
    video = _video(root, names["truncated"])
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    _video(root, names["empty"]).write_bytes(b"")
    label = project.root / LABELS / f"{names['header']}.txt"
    label.write_text(label.read_text().replace("valence,arousal", "arousal,valence", 1))
    label = project.root / LABELS / f"{names['rows']}.txt"
    label.write_text(label.read_text() + "0.1,0.2\n" * 42)
    for crop in (root / "cropped_aligned" / names["crops"]).iterdir():
        crop.write_bytes(b"no picture")
    sorted((root / "cropped_aligned" / names["crop"]).iterdir())[3].write_bytes(b"no picture")
    return names


def _alone(root, part):
    """Clips of a split that have a recording to themselves."""
    found = sorted((root / "VA_Estimation_Challenge" / part).glob("*.txt"))
    return [path.stem for path in found if not path.stem.endswith(("_left", "_right")) and _video(root, path.stem)]


def _video(root, stem):
    found = list(root.glob(f"batch*/{stem}.mp4"))
    return found[0] if found else None


def test_every_fault_is_named_and_everything_else_finished(planted):
    project, _, names = planted
    done = project.run("snakemake", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    summary = project.run("abaw", "summary").stdout
    for fault, words in {
        "truncated": "truncated",
        "empty": "empty",
        "header": "line 1: expected the header 'valence,arousal', found 'arousal,valence'",
        "rows": "label rows",
        "crops": "crops are no readable picture",
    }.items():
        lines = [line for line in summary.splitlines() if f"demo/{names[fault]} " in line]
        assert lines and any(words in line for line in lines), (fault, summary)
    noted = [line for line in summary.splitlines() if line.startswith("noted:") and names["crop"] in line]
    assert len(noted) == 1 and "00004.jpg" in noted[0]
    manifest = json.loads((project.root / "results/demo/features/fbank.json").read_text())
    clips = json.loads((project.root / "results/demo/clips.json").read_text())["clips"]
    assert set(manifest["clips"]) == set(clips) - {names["truncated"], names["empty"], names["crops"]}
    page = (project.root / "results/report/index.html").read_text()
    assert all(names[fault] in page for fault in names)
    sample = project.root / "data/demo/sample_submission/va.txt"
    assert not lint("va", project.root / "results/demo/submissions/va/va.txt", sample)


def test_a_submission_that_would_lack_rows_is_refused_unless_told_how_to_fill(planted):
    project, settings, _ = planted
    test = (project.root / "data/demo/names_of_videos_in_each_test_set/va_test_set_release.txt").read_text().split()
    root = project.root / "data/demo"
    video = next(v for v in (_video(root, name) for name in test) if v is not None)
    video.write_bytes(b"")
    done = project.run("snakemake", "--cores", "2")
    assert done.returncode == 1
    assert "submission.fill" in done.stdout + done.stderr
    project.settings({**settings, "submission": {"fill": "mean"}})
    done = project.run("snakemake", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    provenance = json.loads((project.root / "results/demo/submissions/va/va.provenance.json").read_text())
    assert video.stem in provenance["filled"]


def test_a_missing_data_folder_stops_before_any_job(tmp_path):
    settings = copy.deepcopy(SETTINGS)
    settings["datasets"]["demo"] |= {"root": "nowhere", "generate": None}
    project = Project.copy(tmp_path / "project", settings)
    done = project.run("snakemake", "--cores", "1")
    assert done.returncode == 2
    assert "config.yaml: datasets.demo.root: no such folder: nowhere" in done.stderr
    done = project.run("abaw", "index", "demo")
    assert done.returncode == 2 and "nowhere" in done.stderr and len(done.stderr.splitlines()) == 1


def test_weights_with_other_keys_stop_with_counts_and_names(planted, tmp_path):
    import torch

    project, settings, _ = planted
    torch.save({"model": {"conv1.weight": torch.zeros(3)}}, tmp_path / "foreign.pth")
    settings = copy.deepcopy(settings)
    settings["features"]["densenet"] = {
        "extractor": "densenet",
        "weights": {"source": "file", "path": str(tmp_path / "foreign.pth")},
    }
    other = project.root / "other.yaml"
    other.write_text(json.dumps(settings))
    done = project.run("abaw", "--config", "other.yaml", "extract", "demo", "densenet", "--shard", "0")
    assert done.returncode == 2
    line = done.stderr.strip().splitlines()[-1]
    assert "missing" in line and "unexpected" in line and "conv1.weight" in line
