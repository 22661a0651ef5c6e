"""Experiments that cannot be trained: one line that names file and key, before any job or before the first epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from abaw_pipeline.cli import main
from abaw_pipeline.settings_file import load
from tests.toy_results import TRAINABLE, Toy

TRANSFORMER = {"name": "transformer", "width": 8, "heads": 2, "feedforward": 8}
BRANCHES = TRANSFORMER | {"name": "gru_transformer", "branch_loss": "branches"}
GRU = {"name": "gru", "hidden": 8}
CARRYING = GRU | {"carry_state": True}
ALL: dict[str, Any] = {"va": {}, "expr": {}, "au": {}}
GOOD: dict[str, Any] = {"task": "va", "features": ["face", "sound"], "encoder": GRU, "epochs": 10}


def feedback(**changes: Any) -> dict[str, Any]:
    return {"name": "feedback", "encoder": GRU, "source": "expr", "target": "va", **changes}


def settings_file(folder: Path, **changes: Any) -> Path:
    """Changes to an experiment that can be trained; ``None`` takes a key away."""
    experiment = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    raw = {
        "results": str(folder / "results"),
        "allow_random_weights": True,
        "device": "cpu",
        "datasets": {"demo": {"adapter": "affwild2", "root": "data", "tasks": list(ALL)}},
        "features": {
            "face": {"extractor": "densenet", "weights": {"source": "random"}},
            "sound": {"extractor": "fbank"},
        },
        "experiments": {"x": experiment},
    }
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(raw))
    return file


def told(capsys: pytest.CaptureFixture[str], file: Path, *words: str) -> str:
    """What the program says before it ends with 2: one line on standard error, without its own name."""
    with pytest.raises(SystemExit) as stopped:
        main(["--config", str(file), *words])
    assert stopped.value.code == 2
    text = capsys.readouterr().err
    assert text.startswith("abaw: ") and text.endswith("\n") and text.count("\n") == 1
    return text.removeprefix("abaw: ").rstrip("\n")


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no such encoder": ({"encoder": {"name": "grru"}}, ".encoder.name: no such name 'grru'; did you mean 'gru'?"),
    "heads": ({"encoder": TRANSFORMER | {"heads": 3}}, ".encoder: heads (3) must divide width (8)"),
    "streams": (
        {"encoder": TRANSFORMER | {"name": "temma", "streams": 3}},
        ".encoder: streams (3) times heads (2) must divide width (8)",
    ),
    "a state from the future": (
        {"encoder": CARRYING | {"bidirectional": True}},
        ".encoder: carry_state needs bidirectional: false",
    ),
    "a state beside its place": (
        {"encoder": CARRYING, "segment": 10, "stride": 5},
        ": stride (5) must equal segment (10) with carry_state",
    ),
    "a state beside its place in a task's encoder": (
        {"framework": {"name": "share_bottom", "encoder": CARRYING}, "segment": 10, "stride": 5},
        ": stride (5) must equal segment (10) with carry_state",
    ),
    "no such feature": ({"features": ["face", "sund"]}, ".features: no feature 'sund'; did you mean 'sound'?"),
    "a feature twice": ({"features": ["face", "face"]}, ".features: features must differ from one another"),
    "no such task": ({"task": "exprr"}, ": no task 'exprr'; did you mean 'expr'?"),
    "an extra data set that is not there": ({"extra": ["dmeo"]}, ".extra: no data set 'dmeo'; did you mean 'demo'?"),
    "its own data set as an extra one": ({"extra": ["demo"]}, ".extra: 'demo' is the experiment's own data set"),
    "an extra data set twice": ({"extra": ["a", "a"]}, ".extra: extra must differ from one another"),
    "a task without labels": ({"task": "eri"}, ".task: data set 'demo' has no labels for 'eri'"),
    "one task of two without labels": (
        {"task": None, "tasks": {"va": {}, "ce": {}}},
        ".tasks: data set 'demo' has no labels for 'ce'",
    ),
    "no task": ({"task": None}, ": name one 'task', or several under 'tasks'"),
    "one task and several": ({"tasks": ALL}, ": name one 'task', or several under 'tasks'"),
    "labels of frames and clips": (
        {"task": None, "tasks": {"va": {}, "eri": {}}},
        ": tasks with a label per frame and tasks with one per clip cannot be trained together",
    ),
    "stride": ({"segment": 10, "stride": 11}, ": stride (11) must not exceed segment (10)"),
    "warm-up": ({"schedule": {"name": "cosine", "warmup": 10}}, ": schedule.warmup (10.0) must be shorter"),
    "epochs after the last": (
        {"select": {"name": "range", "first": 6, "last": 11}},
        ": select.last (11) is after the last epoch (10)",
    ),
    "epochs backwards": (
        {"select": {"name": "range", "first": 6, "last": 5}},
        ".select: first (6) must not be after last (5)",
    ),
    "a range cut short": (
        {"select": {"name": "range", "first": 6, "last": 9}, "early_stop": 2},
        ": select: a range of epochs needs all of them",
    ),
    "mix and best": ({"folds": "mix"}, ": folds: mix holds no clip out: select 'last' or a range"),
    "mix and best per column": ({"folds": "mix", "select": "best_per_column"}, ": folds: mix holds no clip out"),
    "mix and early stop": ({"folds": "mix", "select": "last", "early_stop": 3}, ": folds: mix holds no clip out"),
    "mix and plateau": ({"folds": "mix", "select": "last", "schedule": "plateau"}, ": folds: mix holds no clip out"),
    "no fold file": ({"folds": {"name": "file", "path": "none.csv"}}, ".folds: none.csv: no such fold file"),
    "scenes by a feature that is not there": (
        {"scenes": {"feature": "fcae"}},
        ".scenes.feature: no feature 'fcae'; did you mean 'face'?",
    ),
    "scenes by sound": ({"scenes": {"feature": "sound"}}, ".scenes.feature: 'sound' is of modality audio, not visual"),
    "one scene": ({"scenes": {"feature": "face", "clusters": 1}}, ".scenes.clusters: "),
    "feedback of a foreign task": (
        {"task": None, "tasks": {"va": {}, "au": {}}, "framework": feedback()},
        ": framework: 'expr' is none of the experiment's tasks",
    ),
    "feedback of one task": ({"framework": feedback()}, ": framework: 'expr' is none of the experiment's tasks"),
    "feedback to itself": (
        {"task": None, "tasks": ALL, "framework": feedback(source="va")},
        ".framework: source and target are both 'va'",
    ),
    "feedback of a layer that is not there": (
        {"task": None, "tasks": ALL, "framework": feedback(fed="head")},
        ": framework.fed: the head of 'expr' has no hidden layer",
    ),
    "branches without heads": (
        {"encoder": BRANCHES, "framework": {"name": "share_bottom", "encoder": GRU}},
        ": framework: share_bottom puts no head on the branches of gru_transformer",
    ),
    "a loss of another kind": ({"loss": "focal"}, ": loss 'focal' cannot train task 'va' (values); choose one of: ccc"),
    "a loss of another kind for one task": (
        {"task": None, "tasks": {"va": {}, "au": {"loss": "ccc"}}},
        ": loss 'ccc' cannot train task 'au' (labels); choose one of: bce",
    ),
    "one loss for two kinds": (
        {"task": None, "tasks": {"va": {}, "au": {}}, "loss": "bce"},
        ": loss 'bce' cannot train task 'va'",
    ),
    "class weights": (
        {"task": "expr", "loss": {"name": "cross_entropy", "class_weights": [1.0, 2.0]}},
        ": loss 'cross_entropy' of task 'expr': class_weights are 2 numbers, not one for each of 8 columns",
    ),
    "weights of units": (
        {"task": "au", "loss": {"name": "bce", "positive_weights": [1.0] * 13}},
        ": loss 'bce' of task 'au': positive_weights are 13 numbers, not one for each of 12 columns",
    ),
    "weights of columns": (
        {"loss": {"name": "ccc", "column_weights": [1.0]}},
        ": loss 'ccc' of task 'va': column_weights are 1 numbers, not one for each of 2 columns",
    ),
    "smoothed units": (
        {"task": "au", "loss": {"name": "focal", "label_smoothing": 0.1}},
        ": loss 'focal' of task 'au': label_smoothing is for classes alone",
    ),
    "late fusion of one modality": (
        {"features": ["face"], "fusion": "late"},
        ": fusion: 'late' needs several modalities, there is only visual; use early",
    ),
    "tokens in a recurrent encoder": (
        {"fusion": "clip_tokens"},
        ": fusion: clip_tokens cannot go with encoder 'gru'; use ",
    ),
    "rows before a state that goes on": (
        {"fusion": "clip_tokens", "encoder": TRANSFORMER | {"name": "transformer_lstm", "carry_state": True}},
        ": fusion: clip_tokens has rows of every window before its frames; set carry_state: false",
    ),
    "an interaction of another width": (
        {"fusion": {"name": "interaction", "interaction": {"name": "gru", "hidden": 12}}},
        ": fusion.interaction: its encoder is 12 wide; 2 modalities of 8 need 16",
    ),
    "an interaction without a middle": (
        {"fusion": {"name": "early", "projection": {"kind": "conv", "kernel": 4}}},
        ".fusion.projection: kernel (4) must be odd",
    ),
    "a width that nothing brings about": (
        {"fusion": {"name": "early", "projection": {"kind": "none"}}},
        ": fusion.projection: 'none' needs an encoder as wide as its input",
    ),
    "a head per class": (
        {"task": "expr", "head": {"separate": True}},
        ": head.separate: task 'expr' is one of classes",
    ),
    "a seed twice": ({"seeds": [1, 1]}, ".seeds: seeds must differ from one another"),
}


def test_the_experiment_is_good_but_for_the_changes(tmp_path: Path) -> None:
    assert load(settings_file(tmp_path)).experiments["x"].targets.keys() == {"va"}
    several = settings_file(tmp_path, task=None, tasks=ALL, framework=feedback(), fusion="late")
    assert load(several).experiments["x"].targets.keys() == ALL.keys()


@pytest.mark.parametrize("case", BAD)
def test_bad_settings_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    changes, message = BAD[case]
    file = settings_file(tmp_path, **changes)
    with pytest.raises(ValueError) as error:
        load(file)
    assert str(error.value).startswith(f"{file}: experiments.x{message}"), error.value
    assert told(capsys, file, "check") == str(error.value)


# what only the data tells


def toy_of(tmp_path: Path, file: Path, *tasks: str) -> Toy:
    """Results in which both features are those that the settings ask for."""
    toy, config = Toy(tmp_path / "results", TRAINABLE, dataset="demo", tasks=tasks, sound=True), load(file)
    toy.tables["face"] = toy.tables.pop("lin")
    for feature in ("face", "sound"):
        toy.write_feature(feature, config.plan(feature).key)
    return toy


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["c00,a", "c03,b", "c09,b"], "line 4: 'c09' is no usable clip of the data set"),
        (["c00,a", "c05,b"], "line 3: 'c05' is a test clip, which no fold may hold"),
    ],
)
def test_a_fold_file_with_a_clip_that_cannot_be_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[str], message: str
) -> None:
    path = tmp_path / "folds.csv"
    path.write_text("\n".join(["clip,fold", *rows]) + "\n")
    file = settings_file(tmp_path, folds={"name": "file", "path": str(path)})
    toy_of(tmp_path, file, "va")
    assert told(capsys, file, "train", "x", "--fold", "a", "--seed", "0").startswith(f"{path}: {message}")


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        (("c03", "c04"), "no validation clip can be used; 2 left out, the first: c03: no frame annotated for 'va'"),
        (("c00", "c01", "c02"), "no train clip can be used; 3 left out, the first: c00: no frame annotated for 'va'"),
    ],
)
def test_a_fold_whose_labels_are_all_invalid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], clips: tuple[str, ...], message: str
) -> None:
    file = settings_file(tmp_path)
    toy = toy_of(tmp_path, file, "va")
    for clip in clips:
        toy.labels[clip][:] = -5
    toy.write_labels()
    assert told(capsys, file, "train", "x", "--fold", "official", "--seed", "0") == message


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        (("c03", "c04"), "the validation clips have no annotated frame for 'expr'"),
        (("c00", "c01", "c02"), "the training clips have no annotated frame for 'expr'"),
    ],
)
def test_a_side_without_a_label_of_one_of_the_tasks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], clips: tuple[str, ...], message: str
) -> None:
    file = settings_file(tmp_path, task=None, tasks={"va": {}, "expr": {}})
    toy = toy_of(tmp_path, file, "va", "expr")
    for clip in clips:
        toy.truth["expr"][clip][:] = -1
    toy.write_labels()
    assert told(capsys, file, "train", "x", "--fold", "official", "--seed", "0") == message


def test_a_feature_that_was_not_extracted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = settings_file(tmp_path)
    toy = toy_of(tmp_path, file, "va")
    path = toy.layout.feature_manifest("sound")
    path.unlink()
    text = told(capsys, file, "train", "x", "--fold", "official", "--seed", "0")
    assert text.startswith(f"{path}: not there yet") and "abaw join demo sound" in text
