"""The whole path, run as a user runs it: Snakemake on a small corpus, then what changes make stale."""

from __future__ import annotations

import base64
import copy
import json
import os
import re
import shutil
from zipfile import ZipFile

import pytest
import zarr

from abaw_pipeline.runtime.journal import Journal
from abaw_pipeline.runtime.run_lock import RunLock
from tests.project import SETTINGS, Project
from tests.test_temporaries import dead_pid

SUBMISSION = "results/demo/submissions/va/va.txt"
SAMPLE = "data/demo/sample_submission/va.txt"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project whose run is done; tests leave it as it is, or put it back."""
    project = Project.copy(tmp_path_factory.mktemp("run") / "project")
    done = project.run("snakemake", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def test_the_submission_passes_the_format_check(finished):
    done = finished.run("abaw", "lint", "va", SUBMISSION, "--sample", SAMPLE)
    assert done.returncode == 0, done.stderr
    rows = (finished.root / SUBMISSION).read_text().splitlines()
    assert len(rows) == len((finished.root / SAMPLE).read_text().splitlines())


def test_the_page_is_there_and_names_what_was_random(finished):
    page = (finished.root / "results/report/index.html").read_text()
    assert "random weights" in page.lower() and "densenet" in page
    assert "http://" not in page.replace("http://www.w3.org", "") and 'src="/' not in page


def test_random_weights_are_named_in_every_artefact(finished):
    results = finished.root / "results/demo"
    assert json.loads((results / "features/densenet.json").read_text())["about"]["random_weights"] is True
    assert json.loads((results / "features/fbank.json").read_text())["about"]["random_weights"] is False
    provenance = json.loads((results / "submissions/va/va.provenance.json").read_text())
    assert "densenet" in json.dumps(provenance["random_features"])


def test_the_summary_says_where_things_are(finished):
    done = finished.run("abaw", "summary")
    assert done.returncode == 0
    assert SUBMISSION in done.stdout and "results/report/index.html" in done.stdout


def test_a_second_run_has_nothing_to_do(finished):
    done = finished.run("snakemake", "--cores", "2")
    assert done.returncode == 0 and "Nothing to be done" in done.stdout + done.stderr


def test_status_counts_what_is_done_and_names_what_is_under_way_or_stopped(finished):
    told = finished.run("abaw", "status").stdout.splitlines()
    assert told[0] == "results: no run is under way"
    assert [line.split()[-1] for line in told[1:]] == ["done"] * 7
    store = finished.root / "results/demo/features/fbank.zarr"
    clip = min(path.name for path in store.iterdir() if path.is_dir())
    (store / clip).rename(finished.root / "aside")
    journal = Journal(finished.root / "results/journal/extract/demo-fbank-0.jsonl")
    journal.begin(3)
    journal.did("a", 25)
    with RunLock(finished.root / "results", "snakemake"):
        told = finished.run("abaw", "status").stdout
    journal.end()
    (finished.root / "aside").rename(store / clip)
    assert "results: a run is under way, by " in told
    assert re.search(r"fbank of demo +5 of 6 +clips +83%", told)
    assert re.search(r"running   extract demo-fbank-0: 1 of 3 clips in ", told)
    again = Journal(finished.root / "results/journal/extract/demo-fbank-0.jsonl")
    again.begin(2)
    path = finished.root / "results/journal/extract/demo-fbank-0.jsonl"
    path.write_text(path.read_text().replace(f'"pid": {os.getpid()}', f'"pid": {dead_pid()}'))
    assert "stopped   extract demo-fbank-0: after 0 of 2 clips" in finished.run("abaw", "status").stdout
    again.end()


def test_of_a_finished_run_there_is_nothing_to_clean(finished):
    done = finished.run("abaw", "clean")
    assert done.returncode == 0 and "nothing to remove" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["html", "zip"])
def test_snakemakes_own_report_is_made_without_a_network(finished, tmp_path, monkeypatch, kind):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    target = tmp_path / f"report.{kind}"
    done = finished.run("snakemake", "--report", str(target))
    assert done.returncode == 0 and "download" not in done.stderr, done.stderr
    submission = (finished.root / SUBMISSION).read_bytes()
    if kind == "html":
        page = target.read_text()
    else:
        with ZipFile(target) as archive:
            assert submission in [archive.read(name) for name in archive.namelist() if name.endswith("/va.txt")]
            page = archive.read("report/report.html").decode()
    assert SUBMISSION in page and '"Submissions"' in page and '"Scores"' in page and "results/report/index.html" in page
    assert kind == "zip" or base64.b64encode(submission).decode() in page


def test_another_number_of_bins_makes_fbank_stale_and_what_uses_it(finished):
    settings = copy.deepcopy(SETTINGS)
    settings["features"]["fbank"]["bins"] = 25
    finished.settings(settings)
    try:
        jobs = finished.dry_run()
    finally:
        finished.settings(SETTINGS)
    assert jobs == {
        ("extract", "fbank"),
        ("join", "fbank"),
        ("train", "both"),
        ("infer", "both"),
        ("ensemble", "va"),
        ("submit", "va"),
        ("report", ""),
    }


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("features/audio/fbank.py", "\n\n\n", "\n\n\n# a comment\n"),
        ("media/faces.py", "\n\n\n", "\n\n\n# a comment\n"),
        (
            "training/settings.py",
            "class TrainingSettings(Strict):",
            "class TrainingSettings(Strict):\n    new: int = 1\n",
        ),
        (
            "features/audio/fbank.py",
            "class Settings(ExtractorSettings):\n",
            "class Settings(ExtractorSettings):\n        new: int = 1\n",
        ),
        ("models/encoders/settings.py", "class Recurrent(Strict):\n", "class Recurrent(Strict):\n    new: int = 1\n"),
        ("media/settings.py", "class MediaSettings(Strict):", "class MediaSettings(Strict):\n    new: int = 1\n"),
        ("config.py", "class Config(Strict):", "class Config(Strict):\n    new: int = 1\n"),
    ],
)
def test_comments_and_new_settings_make_nothing_stale(finished, path, old, new):
    file = finished.root / "abaw_pipeline" / path
    source = file.read_text()
    assert old in source
    file.write_text(source.replace(old, new, 1))
    try:
        assert finished.dry_run() == set()
    finally:
        file.write_text(source)


def test_code_that_decides_values_makes_its_feature_stale(finished):
    file = finished.root / "abaw_pipeline/features/audio/fbank.py"
    source = file.read_text()
    file.write_text(source + "\n\nEXTRA = 1\n")
    try:
        jobs = finished.dry_run()
    finally:
        file.write_text(source)
    assert ("extract", "fbank") in jobs and ("extract", "densenet") not in jobs


def test_wrong_settings_stop_before_any_job(finished):
    settings = copy.deepcopy(SETTINGS)
    settings["experiments"]["both"]["encoder"]["hiden"] = 3
    finished.settings(settings)
    try:
        done = finished.run("snakemake", "--cores", "2")
    finally:
        finished.settings(SETTINGS)
    assert done.returncode == 2
    assert "config.yaml: experiments.both.encoder.hiden: unknown key; did you mean 'hidden'?" in done.stderr


def test_a_store_from_other_settings_is_refused_with_the_command_that_repairs_it(finished):
    done = finished.run("abaw", "--set", "features.fbank.bins=25", "train", "both", "--fold", "official", "--seed", "0")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "abaw extract demo fbank" in done.stderr or "snakemake" in done.stderr


def test_predict_writes_one_csv_and_one_plot_a_clip(finished):
    video = next((finished.root / "data/demo/batch1").glob("*.mp4"))
    done = finished.run("abaw", "predict", str(video), "--ensemble", "va", "--out", "out")
    assert done.returncode == 0, done.stderr
    header, *rows = (finished.root / "out" / f"{video.stem}.csv").read_text().splitlines()
    assert header == "frame,time_s,valence,arousal,face_valid,audio_valid"
    assert [int(row.split(",")[0]) for row in rows] == list(range(1, len(rows) + 1))
    assert "nan" not in "".join(rows).lower()
    assert (finished.root / "out" / f"{video.stem}.png").stat().st_size > 1000


def test_a_folder_of_recordings_is_a_data_set_of_a_run(finished):
    folder = finished.root / "holiday"
    folder.mkdir()
    shutil.copy(next((finished.root / "data/demo/batch2").glob("*.mp4")), folder / "beach day.mp4")
    settings = copy.deepcopy(SETTINGS)
    settings["datasets"]["holiday"] = {"adapter": "recordings", "root": "holiday"}
    settings["ensembles"]["va"]["datasets"] = ["demo", "holiday"]
    finished.settings(settings)
    try:
        assert not {about for verb, about in finished.dry_run() if verb == "train"}, "nothing is trained again"
        done = finished.run("snakemake", "--cores", "2")
    finally:
        finished.settings(SETTINGS)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = (finished.root / "results/holiday/ensembles/va/beach%20day.csv").read_text().splitlines()
    store = finished.root / "results/holiday/features/fbank.zarr/beach%20day"
    assert len(rows) - 1 == zarr.open_group(store, mode="r")["values"].shape[0]
