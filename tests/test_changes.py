"""A change makes stale what depends on it, and nothing else: the work of a run after each of many changes.

Work is counted in clips whose media were made, clips extracted, epochs trained, clips predicted (``runtime/journal``).
Every row starts from a finished run, makes one change, asks ``abaw why``, runs Snakemake, and compares what was done
with what should be done and with what was announced.
"""

from __future__ import annotations

import pytest

from tests.changes import QUICK, SLOW
from tests.world import Work, World


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World.make(tmp_path_factory.mktemp("changes") / "project")


@pytest.mark.parametrize(
    "change", [*QUICK, *(pytest.param(change, marks=pytest.mark.slow) for change in SLOW)], ids=lambda c: c.__name__
)
def test_the_work_that_a_change_makes(world, change):
    expected = change(world)
    announced = world.announced()
    world.run()
    done = world.work()
    print(f"{change.__name__}: done: {_in_words(done)}; due: {_in_words(expected)}; announced: {_in_words(announced)}")
    assert done == expected
    assert {what: count for what, count in done.items() if announced.get(what, 0) < count} == {}
    assert "Nothing to be done" in world.run("--dry-run"), "a change is seen once"
    assert world.announced() == {}, "and then everything is up to date"


def test_what_why_says(world):
    """In one test, because each line costs a program's start and none changes anything."""
    assert world.abaw("why", "va") == "submission results/demo/submissions/va/va.txt: up to date\n"
    bins = world.raw["features"]["fbank"]["bins"]
    told = world.abaw("--set", "features.fbank.bins=99", "why", "va")
    assert f"because setting bins: was {bins}, is 99" in told and "training both/official-0: stale" in told
    assert "face" not in told.replace("faces", ""), "its features are up to date"
    told = world.abaw("--set", "experiments.face.segment=7", "why", "face/fold1-0")
    assert told.splitlines()[:2] == ["training face/fold1-0: stale", "  because setting segment: was 100, is 7"]
    told = world.abaw("--set", "experiments.face.folds.k=3", "why", "face")
    assert "training face/fold3-0: missing" in told and "because it was never trained" in told
    told = world.abaw("why", "results/demo/features/fbank.zarr")
    assert told == "feature fbank on demo: up to date\n"
    done = world.project.run("abaw", "why", "fbnk")
    assert (done.returncode, done.stderr.startswith("abaw: no target 'fbnk'; did you mean 'fbank'?")) == (2, True)


def _in_words(work: Work) -> str:
    return ", ".join(f"{stage} {about} {count}".replace("  ", " ") for (stage, about), count in sorted(work.items()))
