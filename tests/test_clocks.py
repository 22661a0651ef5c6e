"""Times that lie in the future, or were set by another clock, neither hide a change nor stop a run."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from abaw_pipeline.runtime.clocks import keep_older, settle
from abaw_pipeline.runtime.files import write_json
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.snapshot import refresh_listing
from tests.media_fixtures import scene, steady, tone, write_clip
from tests.project import SETTINGS, Project

HOUR = 3600.0


def shift(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() + seconds,) * 2)


def stamp(path: Path) -> float:
    return path.stat().st_mtime


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An indexed data set, the index later than the listing, as a run leaves them."""
    layout = Layout(tmp_path, "demo")
    refresh_listing(layout, "first")
    write_json(layout.clips, {"clips": {}})
    return layout


@pytest.mark.parametrize("ahead", [-HOUR, 0.0, 1.0, HOUR])
def test_a_changed_listing_is_later_than_the_index_whatever_clock_wrote_it(layout: Layout, ahead: float) -> None:
    shift(layout.clips, ahead)
    before = layout.clips.read_bytes()
    refresh_listing(layout, "second")
    assert stamp(layout.listing) > stamp(layout.clips) and stamp(layout.listing) <= time.time() + 1
    assert layout.clips.read_bytes() == before


def test_an_unchanged_listing_changes_no_time(layout: Layout) -> None:
    shift(layout.clips, HOUR)
    times = stamp(layout.clips), stamp(layout.listing)
    refresh_listing(layout, "first")
    assert (stamp(layout.clips), stamp(layout.listing)) == times


@pytest.mark.parametrize("damaged", ["", "{", "[]", "{}", "3"])
def test_a_damaged_listing_is_written_again(layout: Layout, damaged: str) -> None:
    layout.listing.write_text(damaged)
    refresh_listing(layout, "first")
    assert json.loads(layout.listing.read_text()) == {"listing": "first"}
    assert stamp(layout.listing) > stamp(layout.clips)


def test_an_index_of_another_user_is_copied_to_get_its_time(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    real, content = os.utime, layout.clips.read_bytes()

    def utime(path: Path, times: Any) -> None:
        if path == layout.clips:
            raise PermissionError(1, "Operation not permitted")
        real(path, times)

    shift(layout.clips, HOUR)
    monkeypatch.setattr("abaw_pipeline.runtime.clocks.os.utime", utime)
    keep_older(layout.clips, layout.listing)
    assert stamp(layout.clips) < stamp(layout.listing) and layout.clips.read_bytes() == content


def test_the_future_becomes_the_present_and_keeps_its_order(layout: Layout) -> None:
    files = [
        layout.listing,
        layout.clips,
        layout.media_shard(0),
        layout.feature_manifest("f"),
        layout.submission("e", "va"),
    ]
    for ahead, path in enumerate(files):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        shift(path, HOUR + ahead)
    past = layout.predictions_manifest("x", "official", 0)
    past.parent.mkdir(parents=True)
    past.touch()
    shift(past, -HOUR)
    link, target = layout.home / "link.json", layout.results.parent / "outside.json"
    target.touch()
    shift(target, HOUR)
    link.symlink_to(target)
    kept = stamp(past), stamp(target)
    assert set(settle(layout.results)) == set(files)
    times = [stamp(path) for path in files]
    assert times == sorted(set(times)) and times[-1] <= time.time() + 1 and times[0] > time.time() - 60
    assert (stamp(past), stamp(target)) == kept
    assert settle(layout.results) == []
    target.unlink()


def test_equal_times_stay_equal(layout: Layout) -> None:
    when = time.time() + HOUR
    for path in (layout.clips, layout.listing):
        os.utime(path, (when, when))
    settle(layout.results)
    assert stamp(layout.clips) == stamp(layout.listing)


@pytest.mark.slow
def test_a_run_notices_changes_and_goes_on_under_clocks_that_differ(tmp_path: Path) -> None:
    pictures = [scene(480, 240, (20, 20, 200)) for _ in range(6)]
    videos = tmp_path / "project" / "videos"
    videos.mkdir(parents=True)
    write_clip(videos / "x.mp4", steady(25, 0.24), pictures, tone(0.24, 16_000), 16_000)
    settings = {**SETTINGS, "shards": 1, "experiments": {}, "ensembles": {}}
    settings["datasets"] = {"holiday": {"adapter": "recordings", "root": "videos"}}
    project = Project.copy(tmp_path / "project", settings)
    manifest, index = "results/holiday/manifests/media/0.json", project.root / "results/holiday/clips.json"
    command = ("snakemake", "--cores", "1", manifest)
    assert project.run(*command).returncode == 0
    times = (project.root / "results/benchmarks").rglob("*.tsv")
    for path in (index, project.root / manifest, *times):  # as by a node whose clock is an hour ahead
        shift(path, HOUR)
    shutil.copy(videos / "x.mp4", videos / "y.mp4")
    done = project.run(*command)
    assert done.returncode == 0, done.stderr
    assert set(json.loads((project.root / manifest).read_text())["clips"]) == {"x", "y"}
    assert "Nothing to be done" in project.run(*command).stderr
    for path in (index, index.with_name("listing.json")):  # what is read lies in the future, what is made cannot
        shift(path, HOUR)
    (project.root / manifest).unlink()
    done = project.run(*command)
    assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in project.run(*command).stderr
