"""Every stage on a disk that fills up: one clear line, no clip called bad, nothing lost, and with space it goes on."""

from __future__ import annotations

import copy
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abaw_pipeline.ensembles.blend import blend
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.extract import extract
from abaw_pipeline.media.build import build_media
from abaw_pipeline.runtime.journal import Journal
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.storage import EXIT_CODE, CannotWrite
from abaw_pipeline.training import fit as training
from abaw_pipeline.training.infer import infer
from abaw_pipeline.training.train import train
from tests.media_fixtures import clip_of, scene, steady, tone, write_clip
from tests.project import SETTINGS, Project
from tests.small_disk import Disk, mounted
from tests.test_features_extract import _clips, _densenet, _media
from tests.test_media_build import HAAR
from tests.toy_results import TRAINABLE, Toy, experiment, run

STAGES = (
    ("index", "demo"),
    ("media", "demo"),
    ("extract", "demo", "densenet"),
    ("extract", "demo", "fbank"),
    ("join", "demo", "densenet"),
    ("join", "demo", "fbank"),
    ("train", "both", "--fold", "official", "--seed", "0"),
    ("infer", "both", "--fold", "official", "--seed", "0"),
    ("ensemble", "va"),
    ("submit", "va"),
    ("report",),
)
FULL = "could not be written: No space left on device ("


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk", 16) as small:
        yield small


def test_media_stop_and_every_clip_is_left_for_later(disk: Disk, tmp_path: Path) -> None:
    pictures = [scene(480, 240, (20, 20, 200)) for _ in range(10)]
    video = write_clip(tmp_path / "x.mp4", steady(25, 0.4), pictures, tone(0.4, 16_000), 16_000)
    layout, clips = Layout(disk.path, "toy"), [clip_of("x", video), clip_of("y", video)]
    build_media(clips[:1], layout, HAAR)
    before = disk.files()
    for free in (0, 1 << 14):
        with disk.full(but=free), pytest.raises(CannotWrite):
            build_media(clips, layout, HAAR)
        assert {name: data for name, data in disk.files().items() if "/y/" not in name} == before
        assert not list(disk.path.rglob(".tmp-*"))
    made = build_media(clips, layout, HAAR)
    assert set(made.clips) == {"x", "y"} and not made.skipped
    gc.collect()  # what HDF5 holds is let go


def test_extraction_stops_and_its_clips_are_not_called_bad(disk: Disk) -> None:
    layout, plan = Layout(disk.path, "toy"), _densenet()
    for clip in "ab":
        _media(layout, clip)
    first = extract(plan, _clips("a"), layout)
    before = disk.files()
    with disk.full(), pytest.raises(CannotWrite, match=r"dense\.zarr/b: could not be written"):
        extract(plan, _clips("a", "b"), layout)
    assert disk.files() == before
    done = extract(plan, _clips("a", "b"), layout)
    assert done.clips["a"] == first.clips["a"] and set(done.clips) == {"a", "b"} and not done.skipped


def test_training_stops_before_the_first_epoch(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = Toy(disk.path, TRAINABLE)
    before = disk.files()
    with monkeypatch.context() as patch:
        patch.setattr("abaw_pipeline.training.fit.fit", lambda *_: pytest.fail("it trained"))
        with disk.full(but=1 << 18), pytest.raises(CannotWrite, match=r"models/x/official-0: could not be written"):
            run(toy)
    assert disk.files() == before and not list(disk.path.rglob(".tmp-*"))
    assert run(toy)[1]


def test_a_disk_that_fills_while_training_finds_the_room_kept(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    toy, fit = Toy(disk.path, TRAINABLE), training.fit
    others = disk.full()

    def meanwhile(*arguments: object) -> object:
        trained = fit(*arguments)  # type: ignore[arg-type]
        others.__enter__()
        return trained

    monkeypatch.setattr(training, "fit", meanwhile)
    try:
        journal = Journal(toy.layout.journal("train", "x"), "epoch")
        assert train("x", experiment(), "official", 0, toy.layout, journal=journal)[1]
    finally:
        others.__exit__(None, None, None)
    assert (toy.layout.model("x", "official", 0) / "weights.safetensors").is_file()


def test_prediction_and_fusion_stop_and_go_on(disk: Disk) -> None:
    toy = Toy(disk.path, TRAINABLE)
    run(toy)
    settings = EnsembleSettings(task="va", members=["x"])

    def predict() -> object:
        return infer("x", experiment(), "official", 0, toy.layout, toy.layout)

    def fuse() -> object:
        return blend("va", settings, {"x": experiment()}, toy.layout)

    for stage, place in ((predict, "predictions/x"), (fuse, "ensembles/va")):
        before = disk.files()
        with disk.full(), pytest.raises(CannotWrite, match=f"{place}.*No space left"):
            stage()
        assert disk.files() == before
        made = stage()
        assert stage() == made


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Disk, dict[str, Any]]]:
    """A project whose results lie on a disk of 64 MB, the corpus elsewhere."""
    folder = tmp_path_factory.mktemp("small")
    with mounted(folder / "disk", 64) as disk:
        settings: dict[str, Any] = copy.deepcopy(SETTINGS)
        settings["results"] = str(disk.path / "results")
        del settings["experiments"]["face"]
        settings["ensembles"]["va"]["members"] = ["both"]
        project = Project.copy(folder / "project", settings)
        assert project.run("abaw", "demo", "data/demo", "--clips", "6", "--seed", "3").returncode == 0
        yield project, disk, settings


def made(disk: Disk) -> dict[str, tuple[int, bytes]]:
    """Time and content of every file."""
    return {name: ((disk.path / name).stat().st_mtime_ns, data) for name, data in disk.files().items()}


@pytest.mark.slow
def test_every_stage_says_so_in_one_line_and_goes_on_with_space(small: tuple[Project, Disk, dict[str, Any]]) -> None:
    project, disk, _ = small
    for stage in STAGES:
        before = made(disk)
        with disk.full():
            failed = project.run("abaw", *stage)
        said = failed.stderr.strip().splitlines()
        assert failed.returncode == EXIT_CODE, (stage, failed.returncode, failed.stderr)
        assert said[-1].startswith("abaw: ") and FULL in said[-1] and f" free on {disk.path})" in said[-1], (
            failed.stderr
        )
        assert "Traceback" not in failed.stderr and "left out" not in failed.stderr
        assert made(disk) == before, stage
        done = project.run("abaw", *stage)
        assert done.returncode == 0 and "left out" not in done.stderr, (stage, done.stderr)
        now = made(disk)
        assert {name: now[name] for name in before} == before, f"{stage} did finished work again"
    assert not list(project.root.rglob("core*")) and not list(disk.path.rglob(".tmp-*"))


@pytest.mark.slow
def test_a_run_stops_with_that_line_and_the_next_one_finishes(small: tuple[Project, Disk, dict[str, Any]]) -> None:
    project, disk, settings = small
    settings = copy.deepcopy(settings)
    settings["features"]["fbank"]["bins"] = 30
    project.settings(settings)
    with disk.full():
        refused = project.run("snakemake", "--cores", "2")
    assert refused.returncode == EXIT_CODE and "Traceback" not in refused.stderr
    last = refused.stderr.strip().splitlines()[-1]
    assert last.startswith(f"abaw: {disk.path}/results") and FULL in last
    with disk.full(but=200_000):  # room to begin, and none to finish
        failed = project.run("snakemake", "--cores", "2")
    assert failed.returncode == 1 and FULL in failed.stderr and "Traceback" not in failed.stderr, failed.stderr
    finished = project.run("snakemake", "--cores", "2")
    assert finished.returncode == 0, finished.stderr
    assert "Nothing to be done" in project.run("snakemake", "--cores", "2").stderr
    assert not list(disk.path.rglob(".tmp-*"))
    assert not [line for line in project.run("abaw", "summary").stdout.splitlines() if line.startswith("skipped")]
