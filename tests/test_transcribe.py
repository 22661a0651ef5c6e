"""Speech is recognised the same whatever the length of the sound, and what people correct is kept and read."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from abaw_pipeline.features.extract import extract
from abaw_pipeline.features.plan import plan_feature
from abaw_pipeline.features.text import recognise
from abaw_pipeline.features.text.made import TranscriptPlan, corrections, made, plan_transcripts
from abaw_pipeline.features.text.recognise import Recogniser
from abaw_pipeline.features.text.settings import RecogniserSettings
from abaw_pipeline.features.text.small import letter_tokenizer, small_recogniser
from abaw_pipeline.features.text.text import Text
from abaw_pipeline.features.text.transcribe import transcribe
from abaw_pipeline.features.text.transcripts import read_words
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.types import Clip, Skipped
from tests.finished_results import config_of
from tests.test_features_extract import _media

CPU = torch.device("cpu")
RATE = 16_000


def _settings(**raw: Any) -> RecogniserSettings:
    return RecogniserSettings.model_validate({"weights": {"source": "random"}, **raw})


def _sound(seconds: float, seed: int = 0) -> np.ndarray:
    """A voice-like glide in noise."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).standard_normal(len(time))
    return (0.3 * np.sin(2 * np.pi * (200 + 100 * np.sin(time)) * time) + 0.05 * noise).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recogniser as users have them: network, feature extractor and tokenizer."""
    from safetensors.torch import load_file, save_file
    from transformers import Wav2Vec2FeatureExtractor

    path = tmp_path_factory.mktemp("recogniser")
    small_recogniser(0).save_pretrained(path)
    file = path / "model.safetensors"  # public ones lack a part that is for training alone
    trained = {key: value for key, value in load_file(file).items() if not key.endswith("masked_spec_embed")}
    save_file(trained, file, {"format": "pt"})
    letter_tokenizer().save_pretrained(path)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(path)
    return path


def test_words_and_times_are_those_of_transformers(folder: Path) -> None:
    from transformers import AutoFeatureExtractor, AutoModelForCTC, AutoTokenizer

    samples = _sound(3.0)
    given = AutoFeatureExtractor.from_pretrained(folder)(samples, sampling_rate=RATE, return_tensors="pt")
    with torch.no_grad():
        letters = AutoModelForCTC.from_pretrained(folder).eval()(**given).logits[0].argmax(-1)
    wanted = AutoTokenizer.from_pretrained(folder).decode(letters, output_word_offsets=True).word_offsets
    settings = _settings(weights={"source": "folder", "path": str(folder)}, case="model")
    words = Recogniser(settings, CPU).words(samples, 1)
    assert len(words) > 3 and [word.text for word in words] == [word["word"] for word in wanted]
    assert [word.start for word in words] == pytest.approx([1 + 0.02 * word["start_offset"] for word in wanted])
    assert [word.end for word in words] == pytest.approx([1 + 0.02 * word["end_offset"] for word in wanted])


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    return Recogniser(_settings(window_s=1.0, context_s=0.5), CPU)


def test_each_window_decides_its_own_frames(recogniser: Recogniser) -> None:
    samples = _sound(3.3)
    letters = list(recogniser.letters(samples))
    assert [len(window) for window in letters] == [50, 50, 50, 14]  # (52,800 - 400) // 320 + 1 frames in all
    for number, window in enumerate(letters):
        start = max(number - 0.5, 0)
        alone = recogniser._decided(samples[round(start * RATE) : round((number + 1.5) * RATE)])
        np.testing.assert_array_equal(window, alone[round((number - start) * 50) :][: len(window)])


def test_what_comes_later_changes_nothing_before(recogniser: Recogniser) -> None:
    long, short = (np.concatenate(list(recogniser.letters(_sound(4.0)[: round(s * RATE)]))) for s in (4.0, 2.6))
    np.testing.assert_array_equal(long[:50], short[:50])
    assert len(short) == 129 and len(set(long)) > 3


def test_short_and_silent_sound(recogniser: Recogniser) -> None:
    for samples in (np.empty(0, np.float32), _sound(0.02)):
        assert recogniser.words(samples) == ()
    assert all(np.isfinite([word.start, word.end]).all() for word in recogniser.words(np.zeros(RATE, np.float32)))
    assert recogniser.words(_sound(1.0), -0.5)[0].start == 0.0  # nothing is said before the clip


def test_other_kinds_of_models_are_refused(folder: Path, tmp_path: Path) -> None:
    from transformers import WhisperFeatureExtractor

    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    settings = _settings(weights={"source": "folder", "path": str(tmp_path)})
    WhisperFeatureExtractor().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="does not take plain sound"):
        Recogniser(settings, CPU)
    (tmp_path / "preprocessor_config.json").write_text('{"feature_extractor_type": "Wav2Vec2FeatureExtractor"}')
    Recogniser(settings, CPU)
    (tmp_path / "preprocessor_config.json").unlink()
    (tmp_path / "processor_config.json").unlink(missing_ok=True)
    with pytest.raises(ValueError, match="AutoFeatureExtractor cannot load it"):
        Recogniser(settings, CPU)


# the stage

CLIPS = [Clip(name, name) for name in ("a", "b/1", "mute")]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path, "toy")
    for number, clip in enumerate(CLIPS):
        _media(layout, clip.id, frames=50, sound_s=0 if clip.id == "mute" else 2, seed=number)
    return layout


def _plan(**raw: Any) -> TranscriptPlan:
    return plan_transcripts(_settings(**raw), True)


def _written(layout: Layout) -> dict[str, int]:
    return {clip.id: layout.transcript(clip.id).stat().st_ino for clip in CLIPS}


def test_transcripts_are_made_once_and_say_what_made_them(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    first = transcribe(_plan(), CLIPS, layout)
    text = layout.transcript("b/1").read_text()
    assert text.startswith("WEBVTT\n\nNOTE\nmade by 'abaw transcribe' with RANDOM weights; correct words")
    words = read_words(layout.transcript("b/1"))
    assert words and max(word.end or 0 for word in words) <= 2.0 and text.count("-->") >= 1
    assert read_words(layout.transcript("mute")) == ()
    assert first.about["random_weights"] is True and not any(entry["corrected"] for entry in first.clips.values())
    monkeypatch.setattr(recognise, "Recogniser", lambda *_: pytest.fail("there was nothing to hear"))
    assert transcribe(_plan(), CLIPS, layout) == first


def test_sound_that_starts_late_moves_the_words(layout: Layout) -> None:
    transcribe(_plan(), CLIPS[:1], layout)
    before = read_words(layout.transcript("a"))
    with h5py.File(layout.sound("a"), "r+") as file:
        file.attrs.update(start_s=0.25, content="other")
    transcribe(_plan(), CLIPS[:1], layout)
    after = read_words(layout.transcript("a"))
    assert [w.start for w in after] == pytest.approx([0.25 + (w.start or 0) for w in before]) and len(after) > 1


def test_a_corrected_transcript_is_kept_whatever_changes(layout: Layout) -> None:
    transcribe(_plan(), CLIPS, layout)
    path = layout.transcript("a")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))  # another editor's line ends correct nothing
    assert corrections(layout) == ""
    path.write_text(re.sub(r"(-->.*\n).*", r"\1well, hello", path.read_text(), count=1))
    assert corrections(layout) != ""
    corrected, before = path.read_text(), _written(layout)
    again = transcribe(_plan(window_s=5.0), CLIPS, layout)
    assert path.read_text() == corrected and again.clips["a"]["corrected"]
    assert [word.text for word in read_words(path)][:2] == ["well,", "hello"]
    assert {clip for clip, inode in _written(layout).items() if inode != before[clip]} == {"b/1", "mute"}
    path.unlink()
    assert not transcribe(_plan(window_s=5.0), CLIPS, layout).clips["a"]["corrected"]


def test_bad_clips_are_reported_and_the_others_are_finished(layout: Layout) -> None:
    transcribe(_plan(), CLIPS, layout)
    layout.transcript("a").write_text("WEBVTT\n\n00:00:02.000 --> 00:00:01.000\nback in time\n")
    media = Manifest(skipped=[Skipped("b/1", "media", "zero bytes")])
    manifest = transcribe(_plan(), [*CLIPS, Clip("new", "new")], layout, media=media)
    reasons = {row.clip: row.reason for row in manifest.skipped}
    assert list(manifest.clips) == ["mute"] and sorted(reasons) == ["a", "b/1", "new"]
    assert "a.vtt:3: its times do not go forward" in reasons["a"] and "zero bytes" in reasons["b/1"]
    assert "abaw media toy" in reasons["new"] and corrections(layout)


def test_the_feature_reads_what_was_made_and_corrected(layout: Layout) -> None:
    raw = {"extractor": "text", "weights": {"source": "random"}, "dimension": 12, "transcripts": {"source": "made"}}
    plan = plan_feature("words", Text.Settings.model_validate(raw), True)
    skipped = extract(plan, CLIPS, layout).skipped
    assert len(skipped) == 3 and str(layout.transcript("a")) in skipped[0].reason
    transcribe(_plan(), CLIPS, layout)
    first = extract(plan, CLIPS, layout).clips
    assert first["a"]["valid"] > 10 and first["mute"]["valid"] == 0
    path = layout.transcript("a")
    path.write_text("WEBVTT\n\n00:00.400 --> 00:00.800\nhello\n")
    second = extract(plan, CLIPS, layout).clips
    assert second["a"]["valid"] == 10 and second["b/1"] == first["b/1"]
    there = made(path)
    assert there and there.corrected and there.key == ""


# settings and cleaning


def test_a_recogniser_must_be_named_and_random_ones_allowed(tmp_path: Path) -> None:
    words = {"extractor": "text", "weights": {"source": "random"}, "dimension": 8, "transcripts": {"source": "made"}}
    features = {**config_of(tmp_path).model_dump(mode="json")["features"], "words": words}
    with pytest.raises(ValueError, match=r"features\.words\.transcripts: made by whom\? name a recogniser"):
        config_of(tmp_path, features=features)
    config_of(tmp_path, features=features, transcripts={"weights": {"source": "random"}})
    with pytest.raises(ValueError, match=r"transcripts: weights: nowhere: no model of transformers"):
        config_of(tmp_path, transcripts={"weights": {"source": "folder", "path": "nowhere"}})
    with pytest.raises(ValueError, match="random ones are refused"):
        plan_transcripts(_settings(), False)


def test_the_key_is_that_of_what_the_recogniser_hears(folder: Path) -> None:
    weights = {"source": "folder", "path": str(folder)}
    plans = [_plan(), _plan(window_s=5.0), _plan(case="model"), _plan(weights={"source": "random", "seed": 1})]
    plans.append(_plan(weights=weights))
    assert len({plan.key for plan in plans}) == len(plans)
    assert _plan(window_s=20.0).key == _plan().key and not plans[-1].random
    assert all(str(folder) not in str(plan.about) for plan in plans)


def test_cleaning_leaves_what_people_corrected(tmp_path: Path) -> None:
    from abaw_pipeline.cleaning.clean import clear, find
    from tests.finished_results import finished

    layout = finished(tmp_path / "results")
    for clip, name in itertools.product(("a", "gone", "gone too"), ("clock", "faces", "sound")):
        getattr(layout, name)(clip).unlink(missing_ok=True)
    clips = [Clip(name, name) for name in ("a", "gone", "gone too")]
    for clip in clips:
        _media(layout, clip.id, sound_s=0.1)
    transcribe(_plan(), clips, layout)
    layout.transcript("gone too").write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nhard work\n")
    recogniser = {"transcripts": {"weights": {"source": "random"}}}
    for changes, left in ((recogniser, {"a", "gone too"}), ({}, {"gone too"})):
        config = config_of(layout.results, **changes)
        clear(config, find(config), lambda path, error: pytest.fail(str(error)))
        assert {path.stem for path in layout.transcripts.iterdir()} == {clip.replace(" ", "%20") for clip in left}
