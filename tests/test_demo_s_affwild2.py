"""The built-in corpus in the layout of s-Aff-Wild2: what its adapter finds in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from abaw_pipeline.datasets.base import DataSet
from abaw_pipeline.datasets.mtl_labels import read_mtl_labels
from abaw_pipeline.datasets.s_affwild2 import find
from abaw_pipeline.datasets.samples import read_sample_file
from abaw_pipeline.demo.cast import plan
from abaw_pipeline.demo.corpus import write_corpus
from abaw_pipeline.demo.performance import perform
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS
from tests.s_affwild2_folder import settings

CLIPS, SEED, SECONDS = 8, 1, (2.0, 2.5)
SAMPLE = "sample_submission/mtl.txt"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo") / "corpus"
    assert write_corpus(root, CLIPS, SEED, layout="s_affwild2", seconds=SECONDS, workers=1)
    return root


@pytest.fixture(scope="module")
def found(corpus: Path) -> DataSet:
    return find(settings(corpus, samples={"mtl": SAMPLE}), "datasets.mtl")


def test_its_adapter_takes_every_clip(found: DataSet) -> None:
    cast = {p.clip: r.split for r in plan(CLIPS, SEED, SECONDS) for p in r.people if p.clip is not None}
    assert not found.skipped and not found.refused
    assert {clip.id: clip.splits for clip in found.clips} == {
        name: dict.fromkeys(("au", "expr", "va"), split) for name, split in cast.items()
    }
    assert {clip.video is None for clip in found.clips} == {True, False}
    assert {note.what.partition("rows that ")[2] for note in found.notes} >= {"say the same", "contradict each other"}


def test_labels_are_sparse_and_those_of_the_performance(found: DataSet) -> None:
    for recording in plan(CLIPS, SEED, SECONDS):
        for person, part in zip(recording.people, perform(recording, SEED), strict=True):
            if recording.split == "test" or person.clip is None:
                continue
            for task, table in found.labels.items():
                rows, felt = table[person.clip], part.labels[task]
                assert len(rows) == len(felt)
                known = TASKS[task].annotated(rows)
                assert known.mean() < 0.3 and (known.any() or person.all_invalid)
                np.testing.assert_allclose(rows[known], felt[known], atol=1e-4)


def test_tasks_lack_in_different_frames(found: DataSet) -> None:
    known = {t: np.concatenate([TASKS[t].annotated(r) for r in table.values()]) for t, table in found.labels.items()}
    assert (known["va"] & ~known["expr"]).any() and (known["expr"] & ~known["au"]).any()


def test_crops_are_those_of_annotated_frames(corpus: Path, found: DataSet) -> None:
    named = {row.split(",")[0] for path in corpus.glob("*_annotations.txt") for row in path.read_text().splitlines()}
    named |= {f"{clip}/{frame:05d}.jpg" for clip, frame in read_sample_file(corpus / SAMPLE, TRACKS["mtl"])}
    crops = {str(path.relative_to(corpus / "cropped_aligned")) for path in corpus.glob("cropped_aligned/*/*.jpg")}
    assert crops and crops <= named


def test_truth_and_sample_hold_the_same_rows(corpus: Path, found: DataSet) -> None:
    first = [
        [line.split(",")[0] for line in (corpus / name).read_text().splitlines()] for name in (SAMPLE, "truth/mtl.txt")
    ]
    assert first[0] == first[1]
    truth = read_mtl_labels(corpus / "truth" / "mtl.txt")
    tested = {clip.id for clip in found.clips if "test" in clip.splits.values()}
    assert tested == set(truth.labels["va"]) and not truth.faults and not truth.notes
