"""Every feature that the tool knows, over real clips and over clips that lack something."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import TypeAdapter

from abaw_pipeline.features.extract import extract
from abaw_pipeline.features.plan import plan_feature
from abaw_pipeline.features.registry import OURS, FeatureSettings
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.media.store import Faces, Pictures, read_clock, read_sound
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.types import Clip
from tests.media_fixtures import CLIPS, YUNET, write_media
from tests.project import Project

RANDOM = {"source": "random", "seed": 0}
RATE = 16_000
REAL = {"talking_512_25fps.mp4": 200, "no_audio_stream.mp4": 78, "vfr_face_noface.mov": 169}
STAND_INS = [name for name in OURS if name.startswith("stand_in")]
FEATURES = sorted(OURS.keys() - {"external", "stack", *STAND_INS})
QUICK = ("compare", "densenet", "fbank", "text", "stand_in_text", "stand_in_visual")


def _settings(name: str, transcripts: str) -> dict[str, Any]:
    """A feature as the pipeline's user would name it who has no checkpoint."""
    raw: dict[str, Any] = {"extractor": name}
    if name not in ("fbank", "egemaps", "compare"):
        raw["weights"] = RANDOM
    if name == "poster_vit":
        raw["vit"] = RANDOM
    if name in ("text", "stand_in_text"):
        raw |= {"dimension": 16, "missing": "empty"}
        raw["transcripts"] = {"source": "files", "folder": transcripts, "pattern": "{clip}.vtt"}
    return raw


@pytest.mark.slow
@pytest.mark.skipif(not CLIPS.is_dir() or not YUNET.exists(), reason="needs the real clips and YuNet's model")
def test_nineteen_features_of_three_real_clips(tmp_path):
    project = _real_project(tmp_path)
    targets = [f"results/real/features/{name}.json" for name in FEATURES]
    done = project.run("snakemake", "--cores", "2", *targets)
    assert done.returncode == 0, done.stdout + done.stderr
    told = project.run("abaw", "features")
    print(told.stdout)
    rows = {words[0]: words for line in told.stdout.splitlines() if (words := line.split()) and words[0] in FEATURES}
    assert sorted(rows) == FEATURES and len(FEATURES) == 19
    layout = Layout(project.root / "results", "real")
    for name in FEATURES:
        store = FeatureStore(layout.feature_store(name))
        for clip, frames in REAL.items():
            table = store.read(Path(clip).stem)
            about = store.attributes(Path(clip).stem) or {}
            assert table.values.shape == (frames, about["spec"]["dimension"]), (name, clip)
            assert np.isfinite(table.values).all() and not table.values[~table.valid].any()
            assert table.valid.any() == (
                clip != "no_audio_stream.mp4" or about["spec"]["source"] in ("faces", "frames")
            )
            assert about["random_weights"] == ("weights" in _settings(name, ""))


def _real_project(tmp_path: Path) -> Project:
    words = "WEBVTT\n\n00:00.500 --> 00:02.000\nwell that is how it goes\n"
    settings = {
        "results": "results",
        "shards": 1,
        "device": "cpu",
        "allow_random_weights": True,
        "datasets": {"real": {"adapter": "recordings", "root": "clips"}},
        "media": {"faces": {"detector": "yunet", "model": str(YUNET), "size": 224}, "frames": {"size": 256}},
        "features": {name: _settings(name, "words") for name in FEATURES},
    }
    project = Project.copy(tmp_path / "project", settings)
    for folder in ("clips", "words"):
        (project.root / folder).mkdir()
    for clip in REAL:
        shutil.copy(CLIPS / clip, project.root / "clips" / clip)
    for clip in ("talking_512_25fps", "vfr_face_noface"):
        (project.root / "words" / f"{clip}.vtt").write_text(words)
    return project


# clips that lack something: id -> frames, seconds of sound, its start, whether it is silent, whether there are pictures
LACKING = {
    "whole": (12, 2.0, 0.0, False, True),
    "without_sound": (4, 0.0, 0.0, False, True),
    "silent": (4, 1.0, 0.0, True, True),
    "late_sound": (30, 2.0, 0.6, False, True),
    "without_face": (4, 1.0, 0.0, False, False),
    "one_frame": (1, 1.0, 0.0, False, True),
    "fifty_milliseconds": (4, 0.05, 0.0, False, True),
}


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in [*FEATURES, *STAND_INS]]
)
def test_what_a_clip_lacks_is_absent_and_marked(name, tmp_path):
    layout = Layout(tmp_path, "lacking")
    for clip, has in LACKING.items():
        _media(layout, clip, *has)
    plan = plan_feature(name, TypeAdapter(FeatureSettings).validate_python(_settings(name, str(tmp_path))), True)
    (tmp_path / "whole.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:00.200\nyes\n")
    manifest = extract(plan, [Clip(clip, clip) for clip in LACKING], layout)
    assert not manifest.skipped, [row.reason for row in manifest.skipped]
    store = FeatureStore(layout.feature_store(name))
    for clip, (frames, sound_s, start_s, _, pictures) in LACKING.items():
        table = store.read(clip)
        assert table.values.shape == (frames, plan.spec.dimension)
        assert np.isfinite(table.values).all() and not table.values[~table.valid].any()
        may = {
            "faces": np.full(frames, pictures),
            "frames": np.full(frames, pictures),
            "sound": _heard(frames, sound_s, start_s),
            "files": np.full(frames, clip == "whole"),
        }[plan.spec.source]
        assert not (table.valid & ~may).any(), clip
        if clip == "whole" or plan.spec.source in ("faces", "frames"):
            assert table.valid.any() == may.any(), clip
    whole = store.read("whole")
    if plan.spec.source == "sound":
        assert whole.valid.mean() > 0.9 and np.abs(whole.values).max() > 0


def _heard(frames: int, sound_s: float, start_s: float) -> np.ndarray:
    times = np.arange(frames) / 25
    return (times >= start_s) & (times < start_s + sound_s)


def _media(layout: Layout, clip: str, frames: int, sound_s: float, start_s: float, silent: bool, seen: bool) -> None:
    """What the media stage writes, at 25 frames a second."""
    rng = np.random.default_rng(len(clip))
    valid = np.full(frames, seen)
    coarse = [rng.integers(0, 256, (6, 6, 3), np.uint8) for _ in range(frames)]
    jpegs = [cv2.imencode(".jpg", cv2.resize(c, (112, 112)))[1].tobytes() if seen else b"" for c in coarse]
    packed = {
        "jpeg": np.frombuffer(b"".join(jpegs), np.uint8),
        "offsets": np.cumsum([0, *map(len, jpegs)]),
        "valid": valid,
    }
    samples = rng.standard_normal(int(sound_s * RATE)).astype(np.float32) * (0 if silent else 0.1)
    heard = np.array([[0, len(samples)]] * bool(len(samples)), np.int64).reshape(-1, 2)
    write_media(layout.clock(clip), {"times": np.arange(frames) / 25})
    for path in (layout.faces(clip), layout.frames(clip)):
        write_media(path, packed, aligned="box")
    write_media(layout.sound(clip), {"samples": samples, "heard": heard}, start_s=start_s, present=bool(len(samples)))
    assert len(read_clock(layout, clip)) == frames and len(read_sound(layout, clip).samples) == len(samples)
    with Faces(layout, clip) as faces, Pictures(layout, clip) as pictures:
        assert (faces.valid == pictures.valid).all()
