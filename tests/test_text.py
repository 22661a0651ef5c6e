"""``text``: states of words as transformers gives them, on the frames on which the words are said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from abaw_pipeline.features.extract import extract
from abaw_pipeline.features.plan import FeaturePlan, plan_feature
from abaw_pipeline.features.registry import FeatureSettings
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.features.text.encoder import TextEncoder
from abaw_pipeline.features.text.small import byte_tokenizer, small_encoder
from abaw_pipeline.features.text.spread import on_frames
from abaw_pipeline.features.text.text import Text
from abaw_pipeline.features.weights import FolderWeights, RandomWeights, SnapshotWeights
from abaw_pipeline.networks import hugging_face
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.types import Clip, Clock, FrameTable

ADAPTER: TypeAdapter[Any] = TypeAdapter(FeatureSettings)
CPU = torch.device("cpu")
SENTENCE = ["Grüß", "dich,", "old", "friend:", "日本", "😀", "!"]
SRT = "1\n00:00:00,200 --> 00:00:01,000\nab cdef\n\n2\n00:00:01,500 --> 00:00:01,600\nx\n"
CLOCK = Clock(np.arange(50) / 25)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model as users have them: configuration, safetensors and tokenizer."""
    path = tmp_path_factory.mktemp("model")
    small_encoder(0, 16, 64).save_pretrained(path)
    tokenizer = byte_tokenizer()
    tokenizer.model_max_length = 64
    tokenizer.save_pretrained(path)
    return path


def _encoder(folder: Path, tokens: int = 64, overlap: int = 16, layer: Any = "last") -> TextEncoder:
    return TextEncoder(FolderWeights(source="folder", path=str(folder)), 16, layer, tokens, overlap, CPU)


def _directly(folder: Path, text: str) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """All hidden states ``(layers, T, D)`` by transformers alone, special tokens included."""
    from transformers import AutoModel, AutoTokenizer

    given = AutoTokenizer.from_pretrained(folder)(text, return_offsets_mapping=True, return_tensors="pt")
    places = given.pop("offset_mapping")[0].tolist()
    with torch.no_grad():
        out = AutoModel.from_pretrained(folder).eval()(**given, output_hidden_states=True)
    return torch.stack(out.hidden_states)[:, 0].numpy(), places


def _with_tokenizer(folder: Path, copy: Path, kind: str) -> Path:
    """The same network with a tokenizer of another family, whose tokens span characters and spaces."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    if kind == "pieces":
        tokenizer, start = Tokenizer(models.WordPiece(unk_token="[UNK]")), pre_tokenizers.BertPreTokenizer()
        trainer: Any = trainers.WordPieceTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    else:
        tokenizer, start = Tokenizer(models.BPE()), pre_tokenizers.ByteLevel(add_prefix_space=True)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(  # a space and a letter are one token: offsets reach over the space
            vocab_size=261, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        )
    tokenizer.pre_tokenizer = start
    tokenizer.train_from_iterator(["oooo old friend dich"] * 9, trainer)
    ends = [(name, special.index(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    shutil.copytree(folder, copy)
    names = {f"{name[1:-1].lower()}_token": name for name in special}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **names).save_pretrained(copy)
    return copy


@pytest.mark.parametrize("kind", ["pieces", "merges"])
def test_tokens_of_any_kind_belong_to_the_words_they_touch(folder: Path, tmp_path: Path, kind: str) -> None:
    model = _with_tokenizer(folder, tmp_path / "model", kind)
    words = ["old", "friends,", "dich", "o"]
    layers, places = _directly(model, " ".join(words))
    states, known = _encoder(model).word_states(words)
    start, used = 0, []
    for word, state in zip(words, states, strict=True):
        own = [i for i, (a, b) in enumerate(places) if a < start + len(word) and b > start]
        np.testing.assert_allclose(state, layers[-1][own].mean(0), atol=1e-6)
        start, used = start + len(word) + 1, used + own
    assert known.all() and len(set(used)) == len(used) < len(" ".join(words))


def test_states_of_words_are_those_of_transformers(folder: Path) -> None:
    layers, places = _directly(folder, " ".join(SENTENCE))
    states, known = _encoder(folder).word_states(SENTENCE)
    assert known.all() and states.dtype == np.float32
    start = 0
    for word, state in zip(SENTENCE, states, strict=True):
        own = [i for i, (a, b) in enumerate(places) if a < start + len(word) and b > start]
        assert len(own) == len(word.encode())  # the tokenizer has one token a byte
        np.testing.assert_allclose(state, layers[-1][own].mean(0), atol=1e-6)
        start += len(word) + 1
    mean, _ = _encoder(folder, layer="last_four").token_states(" ".join(SENTENCE))
    np.testing.assert_allclose(mean, layers[-4:].mean(0)[1:-1], atol=1e-6)
    first, _ = _encoder(folder, layer=1).token_states(" ".join(SENTENCE))
    np.testing.assert_allclose(first, layers[1][1:-1], atol=1e-6)


def test_long_text_goes_through_in_windows(folder: Path) -> None:
    text = " ".join(f"word{i}" for i in range(40))
    states, places = _encoder(folder, tokens=34, overlap=8).token_states(text)
    assert [[a, a + 1] for a in range(len(text))] == places.tolist()  # each character once, in order
    for start in (0, 24, 48):  # 32 tokens a window without special ones, 8 of them shared
        layers, _ = _directly(folder, text[start : start + 32])
        kept = slice(4 if start else 0, 28)
        np.testing.assert_allclose(states[start:][kept], layers[-1][1:-1][kept], atol=1e-6)


def test_the_folder_of_a_model_is_needed_whole(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(folder, tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    state = load_file(path)
    lost = next(key for key in state if "query.weight" in key)
    save_file({key: value for key, value in state.items() if key != lost}, path, {"format": "pt"})
    with pytest.raises(ValueError, match=rf"model: its weights do not fill BertModel: 1 missing.*{lost}"):
        _encoder(tmp_path / "model")
    save_file({**state, lost: torch.zeros(3)}, path, {"format": "pt"})
    with pytest.raises(ValueError, match=rf"1 mis-shaped keys; mis-shaped: {lost}"):
        _encoder(tmp_path / "model")
    path.write_bytes(b"damaged" * 9)
    with pytest.raises(ValueError, match="AutoModel cannot load it"):
        _encoder(tmp_path / "model")
    save_file({**{f"bert.{key}": value for key, value in state.items()}, "cls.bias": torch.zeros(3)}, path)
    np.testing.assert_array_equal(*(_encoder(where).word_states(SENTENCE)[0] for where in (path.parent, folder)))


def test_code_beside_the_weights_is_not_run(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    changed = {**config, "model_type": "mine", "auto_map": {"AutoModel": "own.Own", "AutoConfig": "own.OwnConfig"}}
    (tmp_path / "model" / "config.json").write_text(json.dumps(changed))
    (tmp_path / "model" / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ValueError, match="cannot load it"):
        _encoder(tmp_path / "model")
    assert not (tmp_path / "ran").exists()


def test_what_the_encoder_does_not_have_is_said_at_once(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"tokens: .* takes 64 at once, not 65"):
        _encoder(folder, tokens=65)
    with pytest.raises(ValueError, match=r"layer: .* has 2 layers, no layer 3"):
        _encoder(folder, layer=3)
    with pytest.raises(ValueError, match=r"dimension: .* have 16 values, not 8"):
        TextEncoder(FolderWeights(source="folder", path=str(folder)), 8, "last", 64, 16, CPU)


def test_a_snapshot_of_a_hub_is_a_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def download(repo: str, revision: str, allow_patterns: list[str]) -> str:
        asked.append((repo, revision, allow_patterns[-1]))
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    weights = SnapshotWeights(source="snapshot", repo="a/b", revision="c0ffee")
    assert hugging_face.model_folder(weights) == folder and asked == [("a/b", "c0ffee", "*.safetensors")]

    def offline(*_: object, **__: object) -> str:
        raise OSError("no\nnetwork")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    with pytest.raises(ValueError, match="hub model a/b@c0ffee: no network"):
        hugging_face.model_folder(weights)


def test_random_states_vary_with_the_text_and_fit_float16() -> None:
    weights = RandomWeights(source="random", seed=3)
    encoder, again = (TextEncoder(weights, 12, "last", 32, 8, CPU) for _ in range(2))
    states, _ = encoder.word_states(["one", "two", "one"])
    assert np.isfinite(states.astype(np.float16)).all() and np.abs(states[0] - states[1]).max() > 0.01
    np.testing.assert_array_equal(states, again.word_states(["one", "two", "one"])[0])


# words on frames


def test_a_frame_is_the_mean_of_what_is_said_on_it() -> None:
    states = np.array([[1.0, 0], [0, 1], [5, 5], [9, 9]])
    starts, ends = np.array([0.04, 0.13, 0.30, 7.0]), np.array([0.13, 0.20, 0.30, 8.0])
    table = on_frames(states, starts, ends, Clock(np.arange(10) / 25))
    assert table.valid.tolist() == [False, True, True, True, True, False, False, True, False, False]
    np.testing.assert_allclose(table.values[1:5], [[1, 0], [1, 0], [0.25, 0.75], [0, 1]], atol=1e-6)
    np.testing.assert_allclose(table.values[7], [5, 5])
    assert not table.values[~table.valid].any()


def _settings(tmp_path: Path, pattern: str = "{clip}.srt", **more: Any) -> Text.Settings:
    transcripts = {"source": "files", "folder": str(tmp_path), "pattern": pattern}
    raw = {"extractor": "text", "weights": {"source": "random"}, "dimension": 12, "tokens": 64, "overlap": 16}
    return ADAPTER.validate_python({**raw, "transcripts": transcripts, **more})


def _table(settings: Text.Settings, clip: str = "c", clock: Clock = CLOCK) -> FrameTable:
    extractor = Text(settings)
    extractor.load(CPU)
    return extractor.table(clip, clock)


def test_words_of_a_file_lie_on_their_frames(tmp_path: Path) -> None:
    (tmp_path / "c.srt").write_text(SRT)
    table = _table(_settings(tmp_path))
    assert table.values.shape == (50, 12) and np.flatnonzero(table.valid).tolist() == [*range(5, 25), 37, 38, 39]
    encoder = TextEncoder(RandomWeights(source="random"), 12, "last", 64, 16, CPU)
    states, _ = encoder.word_states(["ab", "cdef", "x"])
    np.testing.assert_array_equal(table.values[5], states[0])
    np.testing.assert_array_equal(table.values[24], states[1])
    np.testing.assert_allclose(table.values[37:40], np.tile(states[2], (3, 1)), atol=1e-6)


def test_one_vector_per_clip(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("ab cdef x")
    table = _table(_settings(tmp_path, "{clip}.txt", spread="clip"))
    encoder = TextEncoder(RandomWeights(source="random"), 12, "last", 64, 16, CPU)
    assert table.valid.all() and (table.values == table.values[0]).all()
    np.testing.assert_allclose(table.values[0], encoder.token_states("ab cdef x")[0].mean(0), atol=1e-6)


def test_nothing_said_and_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "silent.srt").write_text("\n")
    for spread in ("words", "clip"):
        table = _table(_settings(tmp_path, spread=spread, missing="empty"), "silent", Clock(np.zeros(1)))
        assert table.values.shape == (1, 12) and not table.valid.any() and not table.values.any()
        assert not _table(_settings(tmp_path, spread=spread, missing="empty"), "gone").valid.any()
    with pytest.raises(ValueError, match=r"gone\.srt: no transcript of clip 'gone' there"):
        Text.content(_settings(tmp_path), "gone")


def test_words_beyond_the_clip_are_no_words_of_it(tmp_path: Path) -> None:
    (tmp_path / "c.srt").write_text(SRT)
    with pytest.raises(ValueError, match=r"c\.srt: none of 3 words \(0\.20 s on\) in the clip's 0\.04 s"):
        _table(_settings(tmp_path), clock=Clock(np.zeros(1)))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"pattern": "{clip}.txt"}, "no times; choose 'clip'"),
        ({"layer": -1}, "counted from 0"),
        ({"overlap": 40}, "at most half"),
        ({"dimension": None}, "dimension: missing"),
        ({"dimension": None, "weights": {"source": "folder", "path": "nowhere"}}, "nowhere/config.json: no such file"),
    ],
)
def test_settings_that_do_not_fit_together(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _plan(_settings(tmp_path, **more))


# keys


def _plan(settings: Text.Settings) -> FeaturePlan:
    return plan_feature("words", settings, True)


def test_dimension_and_key_come_from_the_folder(folder: Path, tmp_path: Path) -> None:
    raw = {"dimension": None, "weights": {"source": "folder", "path": str(folder)}}
    plan = _plan(_settings(tmp_path, **raw))
    assert plan.spec.dimension == 16 and not plan.random and plan.spec.network
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / ".cache").write_text("what a hub leaves")
    moved = {**raw, "weights": {"source": "folder", "path": str(copy)}}
    assert _plan(_settings(tmp_path, **moved)).key == plan.key and str(folder) not in str(plan.about)
    (copy / "tokenizer_config.json").write_text("{}")
    assert _plan(_settings(tmp_path, **moved)).key != plan.key
    (copy / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="does not say the size"):
        _plan(_settings(tmp_path, **moved))


def test_the_place_of_transcripts_does_not_count_what_they_say_does(tmp_path: Path) -> None:
    (tmp_path / "c.srt").write_text(SRT)
    (tmp_path / "c.vtt").write_text("WEBVTT\n\n" + SRT.replace(",", "."))
    srt, vtt = (_settings(tmp_path, pattern) for pattern in ("{clip}.srt", "{clip}.vtt"))
    assert _plan(srt).key == _plan(vtt).key
    assert Text.content(srt, "c") == Text.content(vtt, "c")
    (tmp_path / "c.srt").write_text(SRT.replace("cdef", "cdeg"))
    assert Text.content(srt, "c") != Text.content(vtt, "c")


def test_a_plan_is_put_on_a_data_set(tmp_path: Path) -> None:
    plan = _plan(_settings(tmp_path / "{dataset}"))
    here, there = (plan.on(Layout(tmp_path, name)) for name in ("here", "there"))
    assert here.settings.transcripts.folder == str(tmp_path / "here")  # type: ignore[attr-defined]
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "c.srt").write_text(SRT)
    assert here.key == plan.key and here.listing != there.listing == plan.listing


def test_a_changed_transcript_costs_its_own_clip(tmp_path: Path) -> None:
    from tests.test_features_extract import _media

    layout, clips = Layout(tmp_path / "results", "toy"), [Clip(name, name) for name in "abc"]
    plan = _plan(_settings(tmp_path / "of {dataset}"))
    for clip in clips:
        _media(layout, clip.id, frames=50)
    (tmp_path / "of toy").mkdir()
    for clip in clips[:2]:
        (tmp_path / "of toy" / f"{clip.id}.srt").write_text(SRT)
    first: Manifest = extract(plan, clips, layout)
    assert first.clips["a"]["valid"] == 23 and first.clips["a"]["content"] == first.clips["b"]["content"]
    assert [row.clip for row in first.skipped] == ["c"] and "c.srt: no transcript" in first.skipped[0].reason
    (tmp_path / "of toy" / "b.srt").write_text(SRT.replace("x", "y"))
    second = extract(plan, clips, layout)
    assert second.clips["a"] == first.clips["a"] and second.clips["b"]["content"] != first.clips["b"]["content"]
    assert FeatureStore(layout.feature_store("words")).read("b").values.dtype == np.float16
