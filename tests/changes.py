"""Changes that a user makes to a finished run, each with the work that a run should then do (``tests/world.py``)."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import av

from tests.world import Work, World

NEW = (f"new{number}" for number in itertools.count(1))

Change = Callable[[World], Work]
"""Makes the change, and says what a run should then do."""


# changes after which nothing is to be done


def nothing(world: World) -> Work:
    return {}


def a_comment(world: World) -> Work:
    for module in ("features/audio/fbank.py", "media/faces.py", "training/loop.py", "ensembles/combine.py"):
        world.edit(module, "\n\n\n", "\n\n\n# a comment\n")
    return {}


def a_schema_field(world: World) -> Work:
    field = next(NEW)
    for module, settings in (
        ("training/settings.py", "class TrainingSettings(Strict):"),
        ("features/audio/fbank.py", "class Settings(ExtractorSettings):"),
        ("media/settings.py", "class MediaSettings(Strict):"),
        ("config.py", "class Config(Strict):"),
    ):
        margin = "        " if "Extractor" in settings else "    "
        world.edit(module, settings, f"{settings}\n{margin}{field}: int = 1\n")
    return {}


def a_touch_of_everything(world: World) -> Work:
    for path in [*world.data.rglob("*"), *world.results.rglob("*"), world.root / "weights.pth"]:
        path.touch()
    return {}


def another_shard_count(world: World) -> Work:
    world.set(shards=world.raw["shards"] + 1)
    return {}


def manifests_deleted(world: World) -> Work:
    for path in (
        "manifests/media/0.json",
        "manifests/features/fbank/1.json",
        "features/densenet.json",
        "predictions/both/official-0.json",
        "models/face/fold1-0/model.json",
        "ensembles/va.json",
        "clips.json",
    ):
        (world.results / path).unlink()
    return {}


def a_moved_weights_file(world: World) -> Work:
    path = f"{next(NEW)}.pth"
    shutil.copy(world.root / "weights.pth", world.root / path)
    world.set(features={"densenet": {"weights": {"path": path}}})
    return {}


def another_device_setting(world: World) -> Work:
    world.set(device="auto" if world.raw["device"] == "cpu" else "cpu", batch=world.raw.get("batch", 32) + 1)
    return {}


def an_adopted_refactor(world: World) -> Work:
    for module in ("features/audio/fbank.py", "features/frames.py", "media/official.py", "training/resident.py"):
        path = world.root / "abaw_pipeline" / module
        path.write_text(path.read_text() + f"\n\n{next(NEW).upper()} = 1\n")
    told = world.abaw("adopt")
    assert told.count("made again and equal: adopted") == len(told.splitlines()) >= 4
    assert "Nothing to be done" in world.run(), "not one job starts"
    return {}


def another_library(world: World) -> Work:
    _install(world, "torch", f"{10 + len(list(world.root.glob('torch-*')))}.0")
    told = world.abaw("why", "both")
    assert "training both/official-0: up to date" in told and "trained with torch" in told
    assert "does not count (libraries: note)" in told
    return {}


# changes of code, settings and weights


def a_functions_code(world: World) -> Work:
    world.edit("features/audio/fbank.py", ").numpy()", ").numpy() * 1.5")
    return world.extracted("fbank") | world.learned(*world.using("fbank"))


def code_that_gives_the_same_values(world: World) -> Work:
    world.edit("features/audio/fbank.py", ").numpy()", ").numpy() * 1.0")
    return world.extracted("fbank")


def code_of_the_training(world: World) -> Work:
    world.edit("models/heads.py", "\n\n\n", f"\n\n\n{next(NEW).upper()} = 1\n\n\n")
    return world.trained(*world.using())


def one_features_setting(world: World) -> Work:
    world.set(features={"fbank": {"bins": world.raw["features"]["fbank"]["bins"] + 1}})
    return world.extracted("fbank") | world.learned(*world.using("fbank"))


def weights_of_one_feature(world: World) -> Work:
    world.set(features={"densenet": {"weights": {"path": "weights.pth"}}})
    world.write_weights(int(next(NEW).removeprefix("new")) + 100)
    return world.extracted("densenet") | world.learned(*world.using("densenet"))


def an_experiments_setting(world: World) -> Work:
    world.set(experiments={"sound": {"epochs": world.raw["experiments"]["sound"]["epochs"] + 1}})
    return world.learned("sound")


def a_new_experiment(world: World) -> Work:
    name = next(NEW)
    world.set(experiments={name: {**world.raw["experiments"]["sound"], "seeds": [7]}})
    return world.trained(name)


def a_new_ensemble(world: World) -> Work:
    name = next(NEW)
    world.set(ensembles={name: {"task": "va", "members": ["face", "sound"]}})
    world.run()
    assert json.loads((world.results / f"ensembles/{name}.json").read_text())["clips"].keys() >= {*world.clips("test")}
    assert (world.results / f"submissions/{name}/va.txt").is_file()
    return {}


def libraries_that_count(world: World) -> Work:
    world.set(libraries="rerun")
    _install(world, "torchaudio", "98.0")
    world.run()
    world.work()
    _install(world, "torchaudio", "99.0")
    return world.extracted("fbank")


# changes of the data


def a_test_clip_added(world: World) -> Work:
    old, new = world.clips("test")[0], next(NEW)
    world.copy_clip(old, new)
    world.rows_of(old, new)
    return {("media", ""): 1} | world.extracted("fbank", "densenet", clips=1) | world.predicted(*world.fused(), tests=1)


def a_training_clip_added(world: World) -> Work:
    world.copy_clip(_alone(world, "train"), next(NEW))
    return {("media", ""): 1} | world.extracted("fbank", "densenet", clips=1) | world.learned(*world.using())


def a_test_clip_removed(world: World) -> Work:
    gone = world.clips("test")[-1]
    world.remove_clip(gone)
    world.rows_of(gone)
    world.run()
    assert gone not in (world.results / "submissions/va/va.txt").read_text()
    return {}


def a_test_clip_replaced(world: World) -> Work:
    """By another recording of the same size, date and name: only its content tells."""
    clip = world.clips("test")[0]
    crop = sorted((world.data / "cropped_aligned" / clip).iterdir())[2]
    (video,) = world.data.glob(f"batch*/{clip}.*")
    before = video.stat()
    shutil.copy(sorted((world.data / "cropped_aligned" / clip).iterdir())[-1], crop)
    other = max(world.data.glob("batch*/*"), key=lambda path: (path != video) * path.stat().st_size)
    video.write_bytes(other.read_bytes())
    os.utime(video, ns=(before.st_atime_ns, before.st_mtime_ns))
    return {("media", ""): 1} | world.extracted("fbank", "densenet", clips=1) | world.predicted(*world.fused(), tests=1)


def a_test_clip_packed_anew(world: World) -> Work:
    """The same pictures and sound in another container: its media are made again and come out the same."""
    clip = world.clips("test")[-1]
    (video,) = world.data.glob(f"batch*/{clip}.*")
    _remux(video, video.with_suffix(".tmp.mp4"))
    video.with_suffix(".tmp.mp4").replace(video)
    return {("media", ""): 1}


def a_training_label(world: World) -> Work:
    """By so little that no other epoch becomes the best where the clip is held out: those weights come out the same."""
    clip = world.clips("train")[0]
    path = world.data / f"VA_Estimation_Challenge/Train_Set/{clip}.txt"
    lines = path.read_text().splitlines()
    number = next(i for i, line in enumerate(lines[1:], 1) if abs(float(line.split(",")[0])) <= 1)
    valence, arousal = map(float, lines[number].split(","))
    lines[number] = f"{valence - 0.001 * (1 if valence > 0 else -1)},{arousal}"
    path.write_text("\n".join(lines) + "\n")
    one_fold = world.predicted_by_folds_that_learn("face", clip)
    return world.learned(*world.using()) | {("infer", "face"): one_fold}


def a_test_sample(world: World) -> Work:
    path = world.data / "sample_submission/va.txt"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    world.run()
    rows = len(path.read_text().splitlines())
    assert len((world.results / "submissions/va/va.txt").read_text().splitlines()) == rows
    return {}


# losses


def a_feature_store_deleted(world: World) -> Work:
    shutil.rmtree(world.results / "features/fbank.zarr")
    return world.extracted("fbank")


def one_clip_deleted_from_a_store(world: World) -> Work:
    shutil.rmtree(world.results / "features/fbank.zarr" / world.clips("train")[0])
    return world.extracted("fbank", clips=1)


def media_of_a_clip_deleted(world: World) -> Work:
    (world.results / "media" / world.clips("val")[0] / "faces.h5").unlink()
    return {("media", ""): 1}


def weights_of_a_model_deleted(world: World) -> Work:
    (world.results / "models/face/fold2-0/weights.safetensors").unlink()
    return {("train", "face"): world.raw["experiments"]["face"]["epochs"]}


def predictions_deleted(world: World) -> Work:
    shutil.rmtree(world.results / "predictions/both")
    return world.predicted("both")


def an_ensemble_deleted(world: World) -> Work:
    store = world.results / "ensembles/va.zarr"
    shutil.rmtree(store)
    world.run()
    assert len([path for path in store.iterdir() if path.is_dir()]) == world.all_clips(), "face has folds over all"
    return {}


def _alone(world: World, split: str) -> str:
    """A clip that has a recording of its own."""
    names = world.clips(split)
    return next(
        name for name in names if not name.endswith(("_left", "_right")) and list(world.data.glob(f"batch*/{name}.*"))
    )


def _install(world: World, library: str, version: str) -> None:
    """Let ``importlib.metadata`` find this version of a library in the project's folder."""
    for old in world.root.glob(f"{library}-*.dist-info"):
        shutil.rmtree(old)
    folder = world.root / f"{library}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {library}\nVersion: {version}\n")


def _remux(source: Path, target: Path) -> None:
    with av.open(str(source)) as read, av.open(str(target), "w", options={"movflags": "faststart"}) as write:
        streams = {stream.index: write.add_stream_from_template(stream) for stream in read.streams}
        write.metadata["comment"] = "packed anew"
        for packet in read.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                write.mux(packet)


QUICK: list[Change] = [a_comment, a_test_clip_replaced]
SLOW: list[Change] = [
    a_feature_store_deleted,
    an_experiments_setting,
    a_touch_of_everything,
    manifests_deleted,
    a_test_clip_added,
    an_adopted_refactor,
    nothing,
    a_schema_field,
    another_shard_count,
    a_moved_weights_file,
    another_device_setting,
    another_library,
    a_functions_code,
    code_that_gives_the_same_values,
    code_of_the_training,
    one_features_setting,
    weights_of_one_feature,
    a_new_experiment,
    a_new_ensemble,
    a_training_clip_added,
    a_test_clip_removed,
    a_test_clip_packed_anew,
    a_training_label,
    a_test_sample,
    one_clip_deleted_from_a_store,
    media_of_a_clip_deleted,
    weights_of_a_model_deleted,
    predictions_deleted,
    an_ensemble_deleted,
    libraries_that_count,
]
