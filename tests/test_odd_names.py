"""Clips with odd names and odd lengths, from the raw files to a submission: spaces and accents, a single frame."""

from __future__ import annotations

import math
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import yaml

from abaw_pipeline.cli import main
from abaw_pipeline.datasets.index import read_clips
from abaw_pipeline.datasets.names import clip_id
from abaw_pipeline.demo.corpus import write_corpus
from abaw_pipeline.media.store import read_clock
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from tests.toy_results import TRAINABLE, Toy, run

FEATURES: dict[str, Any] = {
    "fbank": {"extractor": "fbank", "bins": 24},
    "egemaps": {"extractor": "egemaps"},
    "face": {"extractor": "ms_va", "size": 96, "weights": {"source": "random"}},
}
MODEL = ("--fold", "official", "--seed", "0", "--threads", "1")


def settings(folder: Path) -> dict[str, Any]:
    sample = {"ce": "sample_submission/ce.txt"}
    data = {"adapter": "c_expr_db", "root": str(folder / "data"), "tables": {"ce": "ce_labels.csv"}, "samples": sample}
    gru = {"name": "gru", "hidden": 4}
    return {
        "results": str(folder / "results"),
        "shards": 1,
        "device": "cpu",
        "allow_random_weights": True,
        "datasets": {"ce": data},
        "media": {"faces": {"detector": "haar"}},
        "features": FEATURES,
        "experiments": {"x": {"task": "ce", "features": list(FEATURES), "encoder": gru, "epochs": 1}},
        "ensembles": {"e": {"task": "ce", "members": ["x"]}},
    }


def decompose(data: Path) -> None:
    """Spell names of recordings and crop folders as other file systems do: an accent is a letter of its own."""
    for path in [*(data / "videos").iterdir(), *(data / "cropped_aligned").iterdir()]:
        path.rename(path.with_name(unicodedata.normalize("NFD", path.name)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("odd")
    write_corpus(folder / "data", 6, 0, layout="c_expr_db", seconds=(0.6, 0.9), workers=1)
    decompose(folder / "data")
    (folder / "config.yaml").write_text(yaml.safe_dump(settings(folder)))
    steps = [("index", "ce"), ("media", "ce")]
    steps += [(verb, "ce", feature) for feature in FEATURES for verb in ("extract", "join")]
    steps += [("train", "x", *MODEL), ("infer", "x", *MODEL, "--dataset", "ce"), ("ensemble", "e"), ("submit", "e")]
    for step in steps:
        main(["--config", str(folder / "config.yaml"), *step])
    return folder


def layout(folder: Path) -> Layout:
    return Layout(folder / "results", "ce")


def named(folder: Path, start: str) -> str:
    (clip,) = [clip.id for clip in read_clips(layout(folder)) if clip.id.startswith(start)]
    return clip


def test_every_stage_has_every_clip(folder: Path) -> None:
    home, clips = layout(folder), {clip.id for clip in read_clips(layout(folder))}
    assert len(clips) == 6 and named(folder, "fête ") in clips
    made = [home.clips, home.ensemble_manifest("e"), *map(home.feature_manifest, FEATURES), *home.media_shards()]
    manifests = [Manifest.read(path, "") for path in made]
    assert not [row for manifest in manifests for row in manifest.skipped]
    assert all(manifest.clips.keys() == clips for manifest in manifests if manifest.about.get("ensemble") is None)


def test_a_clip_of_one_frame_has_one_row_everywhere(folder: Path) -> None:
    home, clip = layout(folder), named(folder, "single")
    assert len(read_clock(home, clip)) == 1
    for feature in FEATURES:
        assert Manifest.read(home.feature_manifest(feature), "").clips[clip]["rows"] == 1
    assert Manifest.read(home.ensemble_manifest("e"), "").clips[clip]["rows"] == 1


def test_the_submission_spells_names_as_the_sample_does(folder: Path) -> None:
    sample = folder / "data/sample_submission/ce.txt"
    written = layout(folder).submission("e", "ce")
    names = [line.split(",")[0] for line in sample.read_text(encoding="utf-8").splitlines()[1:]]
    assert [line.split(",")[0] for line in written.read_text(encoding="utf-8").splitlines()[1:]] == names
    main(["--config", str(folder / "config.yaml"), "lint", "ce", str(written), "--sample", str(sample)])


def test_both_spellings_of_an_accent_name_one_clip() -> None:
    assert clip_id("fe\u0302te 07") == clip_id("f\u00eate 07") == "f\u00eate 07"
    assert clip_id("139-14-720x480") == "139-14-720x480"


def test_clips_of_one_frame_are_trained_on(tmp_path: Path) -> None:
    toy = Toy(tmp_path, TRAINABLE)
    for clip, split in (("one", "train"), ("other", "val")):
        toy.add(clip, split, frames=1)
    toy.write()
    card, _ = run(toy)
    assert "one" in card.train and "other" in card.validation and not card.skipped
    assert all(math.isfinite(value) for value in card.metrics["va"].values())
