"""The built-in corpus: what it promises, and what it must not give away."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from abaw_pipeline.cli import main
from abaw_pipeline.demo import face, scene, voice
from abaw_pipeline.demo.cast import RATES, Person, Recording, plan, split_sizes
from abaw_pipeline.demo.corpus import write_corpus
from abaw_pipeline.demo.performance import perform
from abaw_pipeline.demo.signals import GRID_HZ, action_units, draw_arousal, draw_emotion, expressions
from abaw_pipeline.demo.write import write_recording
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS

WRITTEN = {name: task for name, task in TASKS.items() if task.folders}
"""Tasks of Aff-Wild2, whose annotations lie in folders."""

YUNET = Path(__file__).parents[2] / "shared" / "models" / "yunet_n_640_640.onnx"
CLIPS, SEED, SECONDS = 14, 3, (0.7, 1.0)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo") / "corpus"
    assert write_corpus(root, CLIPS, SEED, seconds=SECONDS, workers=1)
    return root


def cast() -> list[Recording]:
    return plan(CLIPS, SEED, SECONDS)


def clips_of(recordings: list[Recording]) -> list[tuple[Recording, Person, str]]:
    return [(r, person, person.clip) for r in recordings for person in r.people if person.clip is not None]


def table(path: Path) -> tuple[str, np.ndarray]:
    header, *rows = path.read_text().splitlines()
    return header, np.array([[float(value) for value in row.split(",")] for row in rows])


def annotation(root: Path, split: str, task: str, clip: str) -> Path:
    folders = {"train": "Train_Set", "val": "Validation_Set"}
    home = root / "truth" / task if split == "test" else root / TASKS[task].folders[0] / folders[split]
    return home / f"{clip}.txt"


@pytest.mark.parametrize("clips", [6, 8, 14, 24, 37, 100])
def test_the_cast_has_the_asked_number_of_clips_under_different_names(clips: int) -> None:
    found = clips_of(plan(clips, 0))
    assert len({clip for *_, clip in found}) == len(found) == clips
    sizes = {split: sum(recording.split == split for recording, *_ in found) for split in ("train", "val", "test")}
    assert sizes == split_sizes(clips)
    assert sizes["train"] > sizes["test"] >= sizes["val"] >= 1


@pytest.mark.parametrize("seed", range(8))
def test_twenty_four_clips_hold_every_hard_case(seed: int) -> None:
    recordings = plan(24, seed)
    found = clips_of(recordings)
    clips, names = {clip for *_, clip in found}, {recording.name for recording in recordings}
    assert {recording.rate for recording in recordings} == set(RATES)
    assert {recording.sound for recording in recordings} == {"equal", "longer", "shorter", "none"}
    assert {person.extra_rows for _, person, _ in found} == {-1, 0, 1}
    assert {person.extra_rows for recording, person, _ in found if recording.split == "test"} == {-1, 0, 1}
    assert sum(person.all_invalid for _, person, _ in found) == 1
    assert sum(person.leaves for _, person, _ in found) >= 4 and sum(person.gaps for _, person, _ in found) >= 8
    assert any({f"{name}_left", f"{name}_right"} <= clips and name not in clips for name in names)
    assert any({name, f"{name}_right"} <= clips for name in names)
    assert any({name, f"{name}_left"} <= clips for name in names)
    assert "video10_1_left" in clips and "video10_1" in names
    assert {recording.batch for recording in recordings} == {"batch1", "batch2"}


def test_a_name_states_the_true_rate_and_size() -> None:
    stated = 0
    for recording in plan(100, 1):
        if match := re.fullmatch(r"\d+-(\d+)-(\d+)x(\d+)", recording.name):
            stated += 1
            assert (Fraction(match[1]), int(match[2]), int(match[3])) == (recording.rate, recording.width, 240)
    assert stated > 10


def test_too_few_clips_are_refused() -> None:
    with pytest.raises(ValueError, match=r"--clips 5: .* 6 to 400"):
        plan(5, 0)


def test_curves_fill_their_range_and_do_not_tell_each_other() -> None:
    together, means = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        emotion = draw_emotion(rng, draw_arousal(rng, 8.0), 8.0)
        for curve in (emotion.valence, emotion.arousal):
            assert np.abs(curve).max() <= 1 and np.ptp(curve) > 1.2
            assert np.abs(np.diff(curve)).max() * GRID_HZ < 10  # smooth: never across the range in a fifth of a second
            means.append(curve.mean())
        together.append(np.corrcoef(emotion.valence, emotion.arousal)[0, 1])
    assert np.abs(means).max() < 0.05
    assert np.abs(np.mean(together)) < 0.1 and np.abs(together).max() < 0.5


def test_labels_are_balanced_and_follow_the_face() -> None:
    rng = np.random.default_rng(0)
    emotions = [draw_emotion(rng, draw_arousal(rng, 8.0), 8.0) for _ in range(30)]
    valence, arousal = (np.concatenate([getattr(e, name) for e in emotions]) for name in ("valence", "arousal"))
    units = action_units(np.concatenate([e.controls for e in emotions]))
    share = np.bincount(expressions(valence, arousal), minlength=8) / len(valence)
    assert len(share) == 8 and share.min() > 0.04 and share.max() < 0.35
    assert units.mean(axis=0).min() > 0.1 and units.mean(axis=0).max() < 0.65
    assert expressions(np.array([0.9, -0.5, 0.0]), np.array([0.1, -0.8, 0.0])).tolist() == [4, 5, 0]
    assert valence[units[:, 6] == 1].min() > valence[units[:, 7] == 1].max()  # AU12 smiles, AU15 frowns


def test_people_of_one_recording_share_arousal_but_not_valence() -> None:
    pair = next(recording for recording in plan(24, 0) if len(recording.people) == 2)
    left, right = perform(pair, 0)
    assert np.array_equal(left.emotion.arousal, right.emotion.arousal)
    assert abs(np.corrcoef(left.emotion.valence, right.emotion.valence)[0, 1]) < 0.9


def test_files_lie_where_aff_wild2_has_them(corpus: Path) -> None:
    recordings = cast()
    assert sorted(p.stem for p in corpus.glob("batch*/*.mp4")) == sorted(r.name for r in recordings)
    for recording, person, clip in clips_of(recordings):
        for name, task in WRITTEN.items():
            header, rows = table(annotation(corpus, recording.split, name, clip))
            assert header == task.header
            assert rows.shape == (recording.frames + person.extra_rows, task.width)
            assert task.annotated(rows).any() != person.all_invalid
    annotated = {path.stem for path in corpus.glob("*_Challenge/*/*.txt")}
    tested = {clip for recording, _, clip in clips_of(recordings) if recording.split == "test"}
    assert tested and not annotated & tested
    assert len(list(corpus.glob("truth/va/*.txt"))) == len(tested)
    everything = sorted(p.name for p in corpus.iterdir())
    assert everything == sorted(
        [
            *(t.folders[0] for t in WRITTEN.values()),
            "batch1",
            "batch2",
            "corpus.json",
            "truth",
            "cropped_aligned",
            "names_of_videos_in_each_test_set",
            "sample_submission",
        ]
    )


def test_sample_and_test_list_ask_for_the_rows_of_the_truth(corpus: Path) -> None:
    for name, task in WRITTEN.items():
        listed = (corpus / "names_of_videos_in_each_test_set" / f"{name}_test_set_release.txt").read_text().split()
        header, *rows = (corpus / "sample_submission" / f"{name}.txt").read_text().splitlines()
        wanted = [
            f"{clip}/{number:05d}.jpg"
            for clip in listed
            for number in range(1, len(table(corpus / "truth" / name / f"{clip}.txt")[1]) + 1)
        ]
        assert header == TRACKS[task.name].header and [row.split(",")[0] for row in rows] == wanted
        assert any(row.endswith(",") for row in rows) == (name == "expr")
        assert all(len(row.rstrip(",").split(",")) == 1 + task.width for row in rows)


def test_recordings_have_their_rate_frames_and_sound(corpus: Path) -> None:
    seen = set()
    for recording in cast():
        with av.open(str(corpus / recording.batch / f"{recording.name}.mp4")) as file:
            stream = file.streams.video[0]
            assert stream.codec_context.name == "h264" and (stream.width, stream.height) == (recording.width, 240)
            assert stream.average_rate == recording.rate
            times = [frame.time for frame in file.decode(stream)]
        np.testing.assert_allclose(times, np.arange(recording.frames) / float(recording.rate), atol=2e-3)
        with av.open(str(corpus / recording.batch / f"{recording.name}.mp4")) as file:
            heard = sum(frame.samples for frame in file.decode(audio=0)) if file.streams.audio else 0
        ratio = heard / voice.SAMPLE_RATE / (recording.frames / recording.rate)
        bounds = {"equal": (0.95, 1.1), "longer": (1.15, 1.3), "shorter": (0.8, 0.94), "none": (0, 0)}
        assert bounds[recording.sound][0] <= ratio <= bounds[recording.sound][1]
        seen.add(recording.sound)
    assert seen == {"equal", "longer", "shorter", "none"}


def test_crops_are_missing_exactly_where_the_face_is_away(corpus: Path) -> None:
    away = 0
    for recording in cast():
        for person, part in zip(recording.people, perform(recording, SEED), strict=True):
            if person.clip is None:
                continue
            expected = [f"{i + 1:05d}.jpg" for i in np.flatnonzero(part.present)]
            files = sorted((corpus / "cropped_aligned" / person.clip).iterdir())
            assert [file.name for file in files] == expected
            assert cv2.imread(str(files[0])).shape == (112, 112, 3)
            away += len(part.present) - len(expected)
    assert away > 0


def test_the_same_seed_writes_the_same_bytes_with_any_number_of_workers(corpus: Path, tmp_path: Path) -> None:
    other = tmp_path / "again"
    write_corpus(other, CLIPS, SEED, seconds=SECONDS, workers=2)
    files = {path.relative_to(corpus) for path in corpus.rglob("*") if path.is_file()}
    assert files == {path.relative_to(other) for path in other.rglob("*") if path.is_file()}
    assert [file for file in files if (corpus / file).read_bytes() != (other / file).read_bytes()] == []


def test_another_seed_feels_something_else() -> None:
    recording = plan(6, 0)[0]
    one, two = perform(recording, 0)[0], perform(recording, 1)[0]
    assert not np.allclose(one.emotion.valence, two.emotion.valence, atol=0.1)


def test_a_corpus_that_is_there_is_left_alone(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in corpus.rglob("*")}
    assert not write_corpus(corpus, CLIPS, SEED, seconds=SECONDS)
    assert "already there" in capsys.readouterr().err
    with pytest.raises(ValueError, match="another corpus"):
        write_corpus(corpus, CLIPS, SEED + 1, seconds=SECONDS)
    assert before == {path: path.stat().st_mtime_ns for path in corpus.rglob("*")}


def test_a_folder_of_the_user_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(SystemExit) as stop:
        main(["demo", str(tmp_path), "--clips", "6"])
    assert stop.value.code == 2
    assert "left as it is" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_nothing_is_left_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("abaw_pipeline.demo.corpus.write_recording", fail)
    with pytest.raises(OSError, match="no space"):
        write_corpus(tmp_path / "corpus", 6, 0, workers=1)
    assert list(tmp_path.iterdir()) == []


def test_loudness_and_pitch_follow_arousal() -> None:
    rng = np.random.default_rng(0)
    arousal = draw_arousal(rng, 12.0)
    sound = voice.speak(rng, arousal, 12.0)
    size = voice.SAMPLE_RATE // 2
    loud = [np.log(np.std(sound[i : i + size])) for i in range(0, len(sound) - size + 1, size)]
    felt = [arousal[i : i + 50].mean() for i in range(0, len(arousal) - 49, 50)]
    assert np.corrcoef(loud, felt)[0, 1] > 0.7
    pitches = [pitch(voice.speak(np.random.default_rng(1), np.full(300, level), 3.0)) for level in (-0.8, 0.0, 0.8)]
    assert pitches[0] * 1.2 < pitches[1] and pitches[1] * 1.2 < pitches[2]


def pitch(sound: np.ndarray) -> float:
    """Fundamental frequency in Hz by the highest peak of the autocorrelation between 60 and 400 Hz."""
    spectrum = np.fft.rfft(sound, 2 * len(sound))
    echo = np.fft.irfft(np.abs(spectrum) ** 2)
    first, last = voice.SAMPLE_RATE // 400, voice.SAMPLE_RATE // 60
    return voice.SAMPLE_RATE / (first + int(np.argmax(echo[first:last])))


def test_a_crop_puts_the_landmarks_on_the_template() -> None:
    turn = np.radians(20)
    spin = 2.5 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    picture = np.zeros((400, 400, 3), np.uint8)
    points = scene.ARCFACE @ spin.T + (120, 20)
    for x, y in points.round().astype(int):
        cv2.circle(picture, (int(x), int(y)), 5, (255, 255, 255), -1)
    crop = scene.aligned_crop(picture, points)[:, :, 0]
    assert crop.shape == (112, 112)
    for x, y in scene.ARCFACE.round().astype(int):
        assert crop[y, x] > 200
    assert (crop > 128).mean() < 0.02


def test_landmarks_go_where_the_picture_goes() -> None:
    controls = np.array([[0.9, 0.8, 0.9, 0.1, 0.8, 0.9, 0.1, 0.1], [-0.9, 0.2, 0.1, 0.9, -0.8, 0.0, 0.8, 0.8]])
    weight = face.weights(controls, np.zeros(3))
    smile, frown = face.move(face.LANDMARKS, weight)
    assert (frown[3:, 1] - smile[3:, 1]).min() > 4  # corners of the mouth, image y grows downwards
    source = smile - np.einsum("pkc,k->pc", face._basis(smile), weight[0])
    np.testing.assert_allclose(source, face.LANDMARKS, atol=0.3)


@pytest.mark.skipif(not YUNET.is_file(), reason="no YuNet model file")
def test_detectors_find_the_face(tmp_path: Path) -> None:
    recording = replace(plan(6, 0)[0], rate=Fraction(14), seconds=5.0, people=(Person("one", leaves=True),))
    write_recording(tmp_path, recording, 0, "affwild2")
    present = perform(recording, 0)[0].present
    yunet = cv2.FaceDetectorYN.create(str(YUNET), "", (320, 240), 0.6)
    haar = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    with av.open(str(tmp_path / recording.batch / f"{recording.name}.mp4")) as file:
        pictures = [frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)]
    found = np.array([yunet.detect(picture)[1] is not None for picture in pictures])
    boxes = [haar.detectMultiScale(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), 1.1, 5) for picture in pictures]
    assert found[present].mean() >= 0.95 and not found[~present].any()
    assert np.mean([len(box) > 0 for box in np.array(boxes, dtype=object)[present]]) >= 0.8
