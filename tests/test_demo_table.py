"""The built-in corpus with tables: what the adapter finds in it, by the settings that are shipped for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from abaw_pipeline.datasets.base import DataSet
from abaw_pipeline.datasets.probe import probe
from abaw_pipeline.datasets.samples import read_sample_file
from abaw_pipeline.datasets.table import TableSettings, find
from abaw_pipeline.demo.cast import Person, Recording
from abaw_pipeline.demo.corpus import write_corpus
from abaw_pipeline.demo.performance import Part, perform
from abaw_pipeline.demo.table import RATING_HZ, SHAPE
from abaw_pipeline.settings_file import load
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS
from tests.project import ROOT

CLIPS, SEED, SECONDS = 8, 1, (0.9, 1.1)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo") / "corpus"
    assert write_corpus(root, CLIPS, SEED, layout="table", seconds=SECONDS, workers=1)
    return root


@pytest.fixture(scope="module")
def found(corpus: Path) -> DataSet:
    shipped = load(ROOT / "workflow" / "layouts" / "table.yaml").datasets["table"]
    assert isinstance(shipped, TableSettings)
    return find(shipped.model_copy(update={"root": str(corpus)}), "datasets.table")


def cast() -> dict[str, tuple[Recording, Person, Part]]:
    return {
        person.clip: (recording, person, part)
        for recording in SHAPE.plan(CLIPS, SEED, SECONDS)
        for person, part in zip(recording.people, perform(recording, SEED), strict=True)
        if person.clip is not None
    }


def test_every_clip_is_taken(found: DataSet) -> None:
    assert not found.skipped and not found.refused
    played = cast()
    assert {clip.id for clip in found.clips} == played.keys() and len(played) == CLIPS
    for clip in found.clips:
        recording, person, _ = played[clip.id]
        assert clip.group == recording.batch and clip.side in (
            "left",
            "right" if len(recording.people) == 2 else None,
            None,
        )
        tasks = ("expr", "va") if recording.split == "test" or not person.all_invalid else ("va",)
        assert clip.splits == dict.fromkeys(tasks, recording.split)


def test_its_hard_cases_are_there(corpus: Path, found: DataSet) -> None:
    assert {Path(str(clip.video)).name for clip in found.clips} == {"take1.mp4", "take2.mp4"}
    assert {clip.crops is None for clip in found.clips} == {True, False}
    assert {clip.side for clip in found.clips} >= {"left", "right"}
    people = [clip.group for clip in found.clips]
    assert len(set(people)) < len(people)
    told = {note.what.partition(": ")[2] or note.what for note in found.notes}
    assert {"the same labels of one place again", "no frame is shown then"} <= told


def test_ratings_and_phases_land_on_the_frames_that_were_rated(found: DataSet) -> None:
    for name, (recording, person, part) in cast().items():
        if recording.split == "test" or person.all_invalid:
            continue
        shown = probe(next(str(clip.video) for clip in found.clips if clip.id == name)).times
        rated = found.labels["va"][name]
        known = TASKS["va"].annotated(rated)
        assert len(rated) == recording.frames and known.mean() > 0.6
        around = [part.emotion.at(shown + shift) for shift in np.linspace(-1, 1, 41) / RATING_HZ]
        for column, felt in enumerate(([one.valence for one in around], [one.arousal for one in around])):
            assert np.all(rated[known, column] >= np.min(felt, axis=0)[known] - 0.01)
            assert np.all(rated[known, column] <= np.max(felt, axis=0)[known] + 0.01)
        rows = min(recording.frames, len(part.labels["expr"]))
        phases = np.where(part.labels["expr"] == TASKS["expr"].missing, np.nan, part.labels["expr"])
        np.testing.assert_array_equal(found.labels["expr"][name][:rows], phases[:rows])


def test_the_truth_has_the_rows_of_the_sample(corpus: Path, found: DataSet) -> None:
    for task in ("va", "expr"):
        rows = read_sample_file(found.samples[task], TRACKS[task])
        truth = {path.stem: len(path.read_text().splitlines()) - 1 for path in (corpus / "truth" / task).iterdir()}
        assert {clip: sum(name == clip for name, _ in rows) for clip, _ in rows} == truth
