"""What a plan reckons with: lengths of clips, speeds of earlier runs, and the sums over jobs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from abaw_pipeline.datasets.probe import probe
from abaw_pipeline.planning.frames import Frames, frames_of
from abaw_pipeline.planning.plan import Line, Plan
from abaw_pipeline.planning.rates import EARLIER, Rate, earlier_rates
from abaw_pipeline.planning.snippets import PICTURES, SECONDS, beginnings
from abaw_pipeline.planning.stages import Stages
from abaw_pipeline.planning.work import Work, touched_shards
from abaw_pipeline.runtime.journal import Journal, stretches
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout, shard_of
from abaw_pipeline.state.sources import DataNow
from abaw_pipeline.state.state import State
from tests.affwild2_folder import annotate, put
from tests.finished_results import config_of
from tests.media_fixtures import clip_of, flashes, steady, tone, write_clip, write_crops


@pytest.fixture
def data(tmp_path: Path) -> DataNow:
    """A recording of 30 pictures with one more label row, crops up to number 7, and a broken recording of 2 rows."""
    root = tmp_path / "data"
    for name in ("whole", "broken"):
        (root / "batch1").mkdir(parents=True, exist_ok=True)
        annotate(root, name, "valence,arousal\n" + "0.1,0.2\n" * {"whole": 31, "broken": 2}[name])
    write_clip(root / "batch1/whole.mp4", steady(25, 1.2), flashes(30, [3]), tone(1.2))
    put(root / "batch1/broken.mp4", b"no recording")
    annotate(root, "crops-25-112x112", split="Validation_Set")
    write_crops(root / "cropped_aligned/crops-25-112x112", [2, 5, 7])
    dataset = {"adapter": "affwild2", "root": str(root), "tasks": ["va"]}
    return DataNow(config_of(tmp_path / "results", datasets={"demo": dataset}), "demo")


def test_frames_are_counted_before_any_media_are_there(data: DataNow) -> None:
    found = frames_of(data)
    assert found.of == {"whole": 30, "crops-25-112x112": 7, "broken": 2}
    assert set(found.sources.values()) == {1} and found.unknown == 0
    assert found.line.startswith("39 frames in 3 clips (1 by ") and found.total(["whole", "broken"]) == 32
    assert not data.layout.home.exists()


def test_packed_media_know_better_than_recordings(data: DataNow) -> None:
    entry = {"frames": 29, "contents": {}, "libraries": {}}
    Manifest({"key": "k"}, {"whole": entry}).write(data.layout.media_shard(0))
    assert frames_of(data).of["whole"] == 29


def test_clips_of_which_nothing_tells_the_length_are_told() -> None:
    assert Frames({"a": 2000}, unknown=3).line == "2,000 frames in 1 clip (3 clips of unknown length not counted)"


def test_a_beginning_is_the_first_seconds_and_the_first_crops(tmp_path: Path) -> None:
    video = write_clip(tmp_path / "long.mp4", steady(25, 8), flashes(200, [3]), tone(8))
    crops = write_crops(tmp_path / "crops", range(11, 11 + 3 * PICTURES, 2))
    clips = [clip_of("bad", put(tmp_path / "bad.mp4")), clip_of("long", video, crops), clip_of("more", video)]
    first, second = beginnings(clips, tmp_path / "cut")
    assert (first.id, second.id, second.crops) == ("long", "more", None)
    found = probe(str(first.video))
    assert abs(found.frames - SECONDS * 25) <= 2 and abs(found.sound_s - SECONDS) < 0.2
    names = [path.name for path in sorted(Path(str(first.crops)).iterdir())]
    assert names == [f"{number:05d}.jpg" for number in range(1, PICTURES + 1)]
    assert (Path(str(first.crops)) / "00002.jpg").read_bytes() == (crops / "00013.jpg").read_bytes()
    assert len(beginnings(clips, tmp_path / "one", most=1)) == 1


def _journal(path: Path, key: str, device: str, *did: tuple[float, int]) -> None:
    """Clips that were done after so many seconds, each of so many frames; begun at second 100."""
    lines = [{"at": 100, "begin": len(did), "unit": "clip", "host": "h", "pid": 1, "device": device, "key": key}]
    lines += [{"at": 100 + after, "did": str(number), "size": size} for number, (after, size) in enumerate(did)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in lines)


def test_speeds_are_those_of_earlier_jobs_of_the_same_kind_on_such_a_device(tmp_path: Path) -> None:
    layout = Layout(tmp_path, "demo")
    _journal(layout.journal("extract", "fbank-0"), "k", "cpu", (1, 100), (2, 300))
    _journal(layout.journal("extract", "fbank-1"), "k", "cpu", (2, 200))
    _journal(layout.journal("extract", "fbank-1"), "another", "cpu", (2, 2))
    _journal(layout.journal("extract", "fbank-2"), "k", "NVIDIA X", (1, 5000))
    _journal(layout.journal("extract", "fbank-3"), "never finished a clip", "cpu")
    _journal(layout.journal("extract", "old-0"), "", "", (1, 10))
    assert earlier_rates(tmp_path) == {
        ("extract", "k", False): Rate(150.0, EARLIER, "cpu"),
        ("extract", "another", False): Rate(1.0, EARLIER, "cpu"),
        ("extract", "k", True): Rate(5000.0, EARLIER, "NVIDIA X"),
    }


def test_a_job_notes_its_device_and_what_decides_its_speed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.jsonl")
    journal.begin(1, "cpu", "key")
    journal.did("a", 3)
    (one,) = stretches(tmp_path / "a.jsonl")
    assert (one.device, one.key, one.frames) == ("cpu", "key", 3)


def _line(speed: float | None, amount: int | None, start_s: float = 2.0, **more: object) -> Line:
    work = Work("extract", "demo", "f", **{"new": 3, "done": 1, "amount": amount, "key": "k", **more})  # type: ignore[arg-type]
    return Line(work, None if speed is None else Rate(speed, EARLIER, "cpu"), start_s)


def test_the_time_of_a_line_is_its_frames_and_the_starts_of_its_jobs() -> None:
    assert _line(50.0, 1000).seconds == 3 * 2 + 1000 / 50
    assert _line(None, 0).seconds == 6  # nothing to go through
    assert _line(None, 1000).seconds is None and _line(50.0, None).seconds is None
    assert _line(None, None, new=0).seconds == 0


def test_cores_and_gpus_are_summed_apart() -> None:
    lines = [_line(50.0, 1000, threads=4), _line(100.0, 1000, gpu=True, threads=4), _line(None, 1)]
    made = Plan(lines, {}, 2.0, 0)
    assert (made.core_seconds(8), made.core_seconds(2), made.gpu_seconds) == (4 * 26, 2 * 26, 16)
    assert (made.new, made.done, len(made.unknown)) == (9, 3, 1)


def test_shards_without_a_manifest_or_with_a_clip_to_do_are_run(tmp_path: Path) -> None:
    layout = Layout(tmp_path, "demo")
    for shard in (0, 1, 2):
        Manifest().write(layout.media_shard(shard))
    clip = next(name for name in map(str, range(99)) if shard_of(name, 4) == 1)
    assert touched_shards(State("x"), 4, layout.media_shard) == 1
    assert touched_shards(State("x", affected={clip}), 4, layout.media_shard) == 2
    assert touched_shards(State("x", whole=True), 4, layout.media_shard) == touched_shards(None, 4, Path) == 4


def test_gigabytes_are_those_of_values_and_flags(data: DataNow) -> None:
    sizes = {one.name: one.gigabytes for one in Stages(data.config).works() if one.stage == "extract"}
    for name, gigabytes in sizes.items():
        spec = data.config.plan(name).spec
        assert gigabytes == pytest.approx(39 * (spec.dimension * np.dtype(spec.dtype).itemsize + 1) / 1e9)
    assert set(sizes) == {"densenet", "fbank"}


def test_a_training_goes_through_its_own_clips_and_those_that_join_them(tmp_path: Path) -> None:
    datasets = {}
    for number, name in enumerate(("own", "more"), start=1):
        root = tmp_path / name
        for split, frames in (("Train_Set", 10 * number), ("Validation_Set", 3)):
            clip = f"{name}{frames}-25-112x112"
            annotate(root, clip, "valence,arousal\n" + "0.1,0.2\n" * frames, split=split)
            write_crops(root / "cropped_aligned" / clip, [frames])
        datasets[name] = {"adapter": "affwild2", "root": str(root), "tasks": ["va"]}
    experiment = {"task": "va", "features": ["fbank"], "encoder": {"name": "gru", "hidden": 8}, "epochs": 7}
    experiments = {
        "alone": {**experiment, "dataset": "own"},
        "joined": {**experiment, "dataset": "own", "extra": ["more"]},
    }
    ensembles = {"va": {"task": "va", "members": ["alone", "joined"]}}
    config = config_of(tmp_path / "results", datasets=datasets, experiments=experiments, ensembles=ensembles)
    amounts = {work.name: work.amount for work in Stages(config).works() if work.stage == "train"}
    assert amounts == {"alone": 7 * 10, "joined": 7 * (10 + 20)}
