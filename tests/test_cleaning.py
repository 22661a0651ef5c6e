"""What no setting refers to is found and removed; everything else in the results folder stays, whatever it is."""

from __future__ import annotations

import copy
import os
import re
from pathlib import Path
from typing import Any

import pytest

from abaw_pipeline.cleaning.beside import LOGS
from abaw_pipeline.cleaning.clean import clear, find, size
from abaw_pipeline.config import Config
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.run_lock import RunLock
from abaw_pipeline.runtime.snapshot import save_settings
from abaw_pipeline.runtime.temporaries import machine
from tests.finished_results import config_of, data_set, finished, model, put, store
from tests.project import ROOT, SETTINGS
from tests.test_temporaries import dead_pid


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return finished(tmp_path / "results")


def _tree(results: Path) -> set[str]:
    return {str(path.relative_to(results)) for path in results.rglob("*") if path.name != ".lock"}


def _cleaned(config: Config) -> set[str]:
    """What disappears; what is listed must be that, and its size the sum of what goes."""
    results = Path(config.results)
    before, found = _tree(results), find(config)
    sizes = {path: path.lstat().st_size for path in results.rglob("*") if path.is_file()}
    listed = sum(map(size, found))
    freed = clear(config, found, lambda path, error: pytest.fail(f"{path}: {error}"))
    gone = before - _tree(results)
    assert freed == listed == sum(sizes[results / name] for name in gone if results / name in sizes)
    assert not _tree(results) - before
    assert find(config) == []
    return {name for name in gone if not any(str(parent) in gone for parent in Path(name).parents)}


def test_after_a_run_there_is_nothing_to_remove(layout: Layout) -> None:
    assert find(config_of(layout.results)) == []


def _without(section: str, *names: str, **others: Any) -> dict[str, Any]:
    changed = {section: {name: value for name, value in SETTINGS[section].items() if name not in names}}
    return copy.deepcopy({**changed, **others})


BOTH, FACE, DEMO = SETTINGS["experiments"]["both"], SETTINGS["experiments"]["face"], SETTINGS["datasets"]["demo"]
OF_FACE = {
    "demo/models/face",
    "demo/predictions/face",
    "demo/tensorboard/face",
    *(f"logs/{rule}/demo-face-fold{n}-0.log" for rule in ("train", "infer") for n in (1, 2)),
    *(f"benchmarks/{rule}/demo-face-fold{n}-0.tsv" for rule in ("train", "infer") for n in (1, 2)),
    *(f"journal/{rule}/demo-face-fold{n}-0.jsonl" for rule in ("train", "infer") for n in (1, 2)),
}

KINDS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "experiment": (_without("experiments", "face", ensembles={"va": {"task": "va", "members": ["both"]}}), OF_FACE),
    "seed": ({"experiments": {"both": BOTH, "face": {**FACE, "seeds": [1]}}}, OF_FACE),
    "fold": ({"experiments": {"both": BOTH, "face": {**FACE, "folds": {"name": "official"}}}}, OF_FACE),
    "feature": (
        _without("features", "fbank", experiments={"both": {**BOTH, "features": ["densenet"]}, "face": FACE}),
        {
            "demo/features/fbank.zarr",
            "demo/features/fbank.json",
            "demo/manifests/features/fbank",
            "logs/extract",
            "logs/join",
            "benchmarks/extract",
            "benchmarks/join",
            "journal/extract",
        },
    ),
    "shards": (
        {"shards": 1},
        {
            "demo/manifests/media/1.json",
            "demo/manifests/features/fbank/1.json",
            "demo/manifests/features/densenet/1.json",
            "logs/media",
            "benchmarks/media",
            "journal/media",
        },
    ),
    "ensemble": (
        {"ensembles": {"other": SETTINGS["ensembles"]["va"]}},
        {"demo/ensembles", "demo/submissions", "logs/submit", "benchmarks/submit", "journal/submit"},
    ),
    "sample": (
        {"datasets": {"demo": {key: value for key, value in DEMO.items() if key != "samples"}}},
        {"demo/submissions", "logs/submit", "benchmarks/submit", "journal/submit"},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_setting_no_longer_names_goes_and_nothing_else(layout: Layout, kind: str) -> None:
    changes, gone = KINDS[kind]
    config = config_of(layout.results, **changes)
    earlier = {f".settings/{path.name}" for path in (layout.results / ".settings").iterdir()}
    save_settings(config)
    assert _cleaned(config) == gone | earlier


def test_a_data_set_goes_whole_but_for_files_of_other_kinds(layout: Layout) -> None:
    config = config_of(layout.results)
    old = Layout(layout.results, "old")
    data_set(old, config)
    foreign = [
        old.home / "notes.txt",
        old.feature_store("fbank") / "mine.txt",
        old.model("both", "official", 0) / "plot.png",
    ]
    for path in foreign:
        put(path)
    assert [place.reason for place in find(config) if place.path == old.home] == ["no data set 'old'"]
    _cleaned(config)
    assert {path for path in old.home.rglob("*") if path.is_file()} == set(foreign)


def test_the_checkpoint_of_a_killed_training_goes_with_the_training_alone(layout: Layout) -> None:
    checkpoints = [layout.checkpoint("face", fold, seed) for fold, seed in (("fold1", 0), ("fold2", 0), ("fold1", 1))]
    for path in (*checkpoints, layout.events("face", "fold1", 1) / "events.out.tfevents.1"):
        put(path)
    foreign = [checkpoints[0].with_name("best.checkpoint"), layout.events("face", "fold1", 1) / "notes.txt"]
    for path in foreign:
        put(path)
    gone = {"demo/models/face/fold1-1.checkpoint", "demo/tensorboard/face/fold1-1/events.out.tfevents.1"}
    assert _cleaned(config_of(layout.results)) == gone
    assert all(path.is_file() for path in (*checkpoints[:2], *foreign))


def test_clips_that_a_data_set_no_longer_has(layout: Layout) -> None:
    index = Manifest.read(layout.clips, "")
    del index.clips["b/1"]  # "bad" is a clip still, only a bad one
    index.write(layout.clips)
    stores = ["features/densenet", "features/fbank", "predictions/both/official-0", "ensembles/va"]
    stores += [f"predictions/face/fold{n}-0" for n in (1, 2)]
    assert _cleaned(config_of(layout.results)) == {
        "demo/media/b%2F1",
        *(f"demo/{name}.zarr/b%2F1" for name in stores),
    }
    layout.clips.unlink()  # which clips there are is not known now
    assert find(config_of(layout.results)) == []


def test_foreign_files_folders_and_links_are_left_alone(layout: Layout, tmp_path: Path) -> None:
    results, outside = layout.results, tmp_path / "outside"
    data_set(Layout(outside, "elsewhere"), config_of(outside))
    store(outside / "store.zarr")
    model(outside / "model")
    home = layout.home
    foreign = [
        results / "mine" / "features" / "x.zarr" / "zarr.json",
        results / "predict" / "work" / "recordings" / "clips.json",
        results / "report" / "slides.pdf",
        results / "logs" / "mine.log",
        results / "logs" / "train" / "notes.txt",
        results / ".settings" / "mine.json",
        home / "features" / "notes.json",
        home / "features" / "raw.zarr" / "zarr.json",
        home / "models" / "both" / "best" / "model.json",
        home / "predictions" / "both" / "my run-0.json",
        home / "submissions" / "va" / "sent.txt",
        home / "media" / "new clip" / "notes.txt",
        home / ".tmp-mine",
    ]
    for path in foreign:
        put(path, '{"attributes": {"mine": 1}}')
    for link, target in {
        results / "linked": outside / "elsewhere",
        home / "features" / "linked.zarr": outside / "store.zarr",
        home / "models" / "linked": outside,
        home / "models" / "both" / "official-7": outside / "model",
    }.items():
        link.symlink_to(target)
    before, beyond = _tree(results), _tree(outside)
    assert find(config_of(results)) == []
    (home / "predictions").rename(outside / "predictions")
    (home / "predictions").symlink_to(outside / "predictions")
    changes = KINDS["experiment"][0]
    assert not [place for place in find(config_of(results, **changes)) if "predictions" in str(place.path)]
    assert _tree(results) - before == set() and beyond <= _tree(outside)


def test_results_may_be_a_link_themselves(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(layout.results)
    config = config_of(tmp_path / "link", shards=1)
    save_settings(config)
    assert len(_cleaned(config)) == 7


def test_left_overs_of_killed_jobs(layout: Layout) -> None:
    left = layout.feature_store("fbank") / f".tmp-{dead_pid()}@{machine()}~01234567-a"
    put(left / "values" / "c")
    live = layout.feature_store("fbank") / f".tmp-{os.getpid()}@{machine()}~01234567-a"
    put(live / "values" / "c")
    assert _cleaned(config_of(layout.results)) == {str(left.relative_to(layout.results))}
    assert live.exists()


def test_only_what_was_listed_is_removed_and_never_under_a_run(layout: Layout) -> None:
    config = config_of(layout.results, shards=1)
    listed = find(config)[:1]
    with RunLock(layout.results, "snakemake"), pytest.raises(ValueError, match="in use by"):
        clear(config, listed, lambda path, error: None)
    assert layout.media_shard(1).exists()
    clear(config, listed, lambda path, error: None)
    assert not layout.media_shard(1).exists() and layout.feature_shard("fbank", 1).exists()


def test_what_cannot_be_removed_is_told(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    config, real, told = config_of(layout.results, shards=1), Path.unlink, []

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path == layout.media_shard(1):
            raise PermissionError(1, "Operation not permitted")
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    clear(config, find(config), lambda path, error: told.append((path, error.strerror)))
    assert told == [(layout.media_shard(1), "Operation not permitted")]
    assert not layout.feature_shard("fbank", 1).exists()


@pytest.mark.parametrize(("folder", "end"), [("LOGS", "log"), ("TIMES", "tsv")])
def test_the_names_of_logs_are_those_of_the_rules(folder: str, end: str) -> None:
    rules = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    found = dict(re.findall(rf"\{{{folder}\}}/(\w+)/([^\"]*)\.{end}", rules))
    spelled = {rule: name.replace("{{", "{").replace("}}", "}") for rule, name in found.items()}
    assert spelled == {**LOGS, "report": "report"}
