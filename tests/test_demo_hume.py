"""Hume's data sets made up: what lies where, that labels follow from what is seen and heard, and that it is read."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from abaw_pipeline.datasets.index import look
from abaw_pipeline.datasets.probe import probe
from abaw_pipeline.demo import hume_reaction, hume_vidmimic2, voice
from abaw_pipeline.demo.corpus import write_corpus
from abaw_pipeline.demo.performance import perform
from abaw_pipeline.demo.shapes import SHAPES
from abaw_pipeline.demo.signals import CONTROLS
from abaw_pipeline.features.text.transcripts import read_words
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.settings_file import load
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS
from tests.project import ROOT

CLIPS, SEED, SECONDS = 7, 2, (0.8, 1.2)
TASK = {"hume_reaction": "eri", "hume_vidmimic2": "emi"}


@pytest.fixture(scope="module", params=TASK)
def corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    root = tmp_path_factory.mktemp("demo") / request.param
    assert write_corpus(root, CLIPS, SEED, layout=request.param, seconds=SECONDS, workers=1)
    return request.param, root


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))


def test_the_adapter_reads_what_is_written(corpus: tuple[str, Path]) -> None:
    layout, root = corpus
    shipped = load(ROOT / "workflow" / "layouts" / f"{layout}.yaml").datasets[layout]
    data = look(layout, shipped.model_copy(update={"root": str(root)}), Layout(root.parent / "out", layout))
    cast, task = SHAPES[layout].plan(CLIPS, SEED, SECONDS), TASK[layout]
    assert not data.skipped and not data.refused
    assert {clip.id: clip.splits[task] for clip in data.clips} == {one.name: one.split for one in cast}
    centres = {"eri": hume_reaction, "emi": hume_vidmimic2}[task]._CENTRES
    assert tuple(centres) == TASKS[task].columns
    for one in cast:
        away = np.array([np.hypot(*np.subtract(centre, one.mood)) for centre in centres.values()])
        if one.split != "test":
            assert data.labels[task][one.name][0] == pytest.approx(np.exp(-(away**2) / 0.5), abs=1e-4)
    assert set(data.labels[task]) == {one.name for one in cast if one.split != "test"}


def test_truth_has_the_rows_of_the_sample(corpus: tuple[str, Path]) -> None:
    layout, root = corpus
    track = TRACKS[TASK[layout]]
    truth, sample = (rows(root / folder / f"{track.name}.csv") for folder in ("truth", "sample_submission"))
    assert ",".join(truth[0]) == ",".join(sample[0]) == track.header
    assert [row[0] for row in truth] == [row[0] for row in sample] and len(truth) > 2
    values = np.array([row[1:] for row in truth[1:]], float)
    assert values.shape[1] == track.width and values.min() >= 0 and values.max() <= 1 and np.ptp(values) > 0.1


def test_two_clips_are_sound_alone_and_one_is_silent(corpus: tuple[str, Path]) -> None:
    layout, root = corpus
    told = {
        path.stem: probe(str(path)) for folder in ("mp4", "raw", "wav", "audio") for path in root.glob(f"{folder}/*")
    }
    cast = {one.name: one for one in SHAPES[layout].plan(CLIPS, SEED, SECONDS)}
    assert told.keys() == cast.keys()
    alone = [name for name, one in told.items() if not one.has_pictures]
    assert sorted(cast[name].split for name in alone) == ["test", "train"]
    assert [cast[name].split for name, one in told.items() if not one.has_sound] == ["train"]
    for name in alone:
        assert told[name].sound_s == pytest.approx(cast[name].frames / float(cast[name].rate), abs=1e-3)


def test_a_mood_is_the_mean_of_what_is_felt_and_stays_in_range() -> None:
    for one in SHAPES["hume_reaction"].plan(30, 0, (6.0, 12.0)):
        (part,) = perform(one, 0)
        felt = part.emotion.at(np.arange(0, one.seconds, 0.01))
        assert (felt.valence.mean(), felt.arousal.mean()) == pytest.approx(one.mood, abs=0.02)
        assert max(np.abs(felt.valence).max(), np.abs(felt.arousal).max()) <= 1


def test_faces_and_loudness_tell_the_mood() -> None:
    smiles, loudness, moods = [], [], []
    for one in SHAPES["hume_reaction"].plan(16, 0, (4.0, 6.0)):
        (part,) = perform(one, 0)
        sound = voice.speak(np.random.default_rng(one.index), part.emotion.arousal, one.seconds)
        smiles.append(part.emotion.controls[:, CONTROLS.index("smile")].mean())
        loudness.append(np.log(sound.std()))
        moods.append(one.mood)
    pleased, awake = np.transpose(moods)
    assert np.corrcoef(smiles, pleased)[0, 1] > 0.9 and np.corrcoef(loudness, awake)[0, 1] > 0.8


def test_transcripts_are_said_within_the_clip(corpus: tuple[str, Path]) -> None:
    layout, root = corpus
    if layout == "hume_reaction":
        assert not (root / "transcripts").exists()
        return
    for one in SHAPES[layout].plan(CLIPS, SEED, SECONDS):
        words = read_words(root / "transcripts" / f"{one.name}.srt")
        assert bool(words) == (one.sound != "none")
        assert all(0 <= word.start <= word.end <= one.seconds + 1e-3 for word in words)
