"""Tasks that the settings define, from the settings file to the report."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from abaw_pipeline.datasets.labels import read_label_file
from abaw_pipeline.demo.corpus import write_corpus
from abaw_pipeline.ensembles.blend import blend
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.metrics import mean_ccc
from abaw_pipeline.report.clip_plot import clip_plot
from abaw_pipeline.report.comparison_plot import comparison_plot
from abaw_pipeline.runtime.snapshot import save_settings
from abaw_pipeline.settings_file import check, load
from abaw_pipeline.submission.lint import lint
from abaw_pipeline.tasks import BUILT_IN, TASKS, Kind, use_tasks
from abaw_pipeline.training.card import read_card
from abaw_pipeline.training.infer import infer
from abaw_pipeline.training.plan import prediction_key, recipe
from abaw_pipeline.training.scores import score
from tests.own_tasks import own_task
from tests.project import SETTINGS, Project
from tests.toy_results import TRAINABLE, Toy, experiment, run

torch.set_num_threads(1)

ENGAGEMENT = {"kind": "numbers", "columns": ["engagement", "effort"]}


def raw(results: Path | str = "results") -> dict[str, Any]:
    """The small project with a task of its own, trained on sound."""
    made = copy.deepcopy(SETTINGS | {"results": str(results), "tasks": {"engaged": ENGAGEMENT}})
    made["datasets"]["demo"]["tables"] = {"engaged": "engaged.csv"}
    made["features"] = {"fbank": made["features"]["fbank"]}
    made["experiments"] = {"own": made["experiments"]["both"] | {"task": "engaged", "features": ["fbank"]}}
    made["ensembles"] = {"own": {"task": "engaged", "members": ["own"]}}
    return made


def edited(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    made = raw()
    target = made
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return made


def test_a_task_is_known_once_its_settings_are_read() -> None:
    config = check(raw(), "config.yaml")
    assert config.experiments["own"].predicted == [TASKS["engaged"]]
    assert (TASKS["engaged"].columns, TASKS["engaged"].bounds) == (("engagement", "effort"), None)
    check({**raw(), "tasks": {}, "experiments": {}, "ensembles": {}, "datasets": SETTINGS["datasets"]}, "other.yaml")
    assert tuple(TASKS) == BUILT_IN


def test_a_grid_and_a_member_of_several_tasks_may_name_it() -> None:
    made = raw()
    gru = {"small": {"name": "gru", "hidden": 4}}
    made["grids"] = {"g": {"tasks": {"va": {}, "engaged": {}}, "features": {"a": ["fbank"]}, "encoders": gru}}
    assert list(check(made, "config.yaml").experiments["g_a_small"].targets) == ["va", "engaged"]


def test_jobs_read_the_definitions_with_the_settings(tmp_path: Path) -> None:
    saved = save_settings(check(raw(tmp_path), "config.yaml"))
    known = TASKS["engaged"]
    use_tasks([])
    assert load(saved).experiments["own"].task == "engaged" and TASKS["engaged"].columns == known.columns


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("tasks", "engaged", "kind"), "number", "tasks.engaged.kind: no such value 'number'; did you mean 'numbers'?"),
        (("tasks", "engaged", "columns"), ["a", "a"], "tasks.engaged.columns: columns must differ"),
        (("tasks", "engaged", "columns"), ["a,b"], "tasks.engaged.columns: column 'a,b'"),
        (("tasks", "engaged", "columns"), ["mean"], "tasks.engaged.columns: column 'mean'"),
        (("tasks", "engaged", "columns"), [], "tasks.engaged.columns: "),
        (("tasks", "engaged", "colums"), [], "tasks.engaged.colums: unknown key; did you mean 'columns'?"),
        (("tasks", "mood"), {"kind": "class", "columns": ["a"]}, "tasks.mood: a class is one of at least two"),
        (("tasks", "mood_2"), ENGAGEMENT, "tasks: 'mood_2' must be small letters alone"),
        (("tasks", "va"), ENGAGEMENT, "tasks: 'va' is taken"),
        (("tasks", "clip"), ENGAGEMENT, "tasks: 'clip' is taken"),
        (("tasks",), ["engaged"], "tasks: "),
        (("datasets", "demo", "tables"), {"engged": "a.csv"}, "datasets.demo: tables: no task 'engged'; did you mean"),
        (("datasets", "demo", "tables"), {"va": "a.csv"}, "datasets.demo: tables: 'va' is also under 'tasks'"),
        (("datasets", "demo", "tables"), {}, "experiments.own.task: data set 'demo' has no labels for 'engaged'"),
        (("experiments", "own", "task"), "engagd", "experiments.own: no task 'engagd'; did you mean 'engaged'?"),
        (("experiments", "own", "loss"), "bce", "experiments.own: loss 'bce' cannot train task 'engaged' (numbers)"),
    ],
)
def test_wrong_definitions_are_one_line(path: tuple[str, ...], value: Any, message: str) -> None:
    with pytest.raises(ValueError) as error:
        check(edited(path, value), "config.yaml")
    text = str(error.value)
    assert text.startswith(f"config.yaml: {message}") and "\n" not in text


def test_the_keys_of_a_training_tell_what_its_task_is() -> None:
    def keys(**changes: Any) -> tuple[str, str]:
        use_tasks([own_task("engaged", **{"kind": "numbers", "columns": ("a", "b"), **changes})])
        one = experiment(task="engaged", loss="mse")
        return recipe(one, "official", 0, "code"), prediction_key(one, "model", [], "code")

    same, *others = keys(), keys(kind="intensities"), keys(columns=("b", "a")), keys(level="clip")
    assert keys() == same and len({same, *others}) == 4
    assert keys(missing=-1) == same, "labels tell that themselves"


@pytest.mark.parametrize("loss", ["mse", "ccc"])
def test_numbers_are_learnt_whatever_their_range(tmp_path: Path, loss: str) -> None:
    use_tasks([own_task("engaged", "numbers", ("a", "b"))])
    toy = Toy(tmp_path, TRAINABLE, tasks=["va", "engaged"])
    toy.truth["engaged"] = {clip: 3 + 5 * rows for clip, rows in toy.labels.items()}
    toy.truth["engaged"]["c03"][7] = np.nan
    toy.write()
    changes = {"task": "engaged", "loss": loss, "epochs": 30, "optimiser": {"lr": 0.05}}
    card, _ = run(toy, **changes)
    assert read_card(toy.layout.model("x", "official", 0)) == card
    infer("x", experiment(**changes), "official", 0, toy.layout, toy.layout)
    settings = EnsembleSettings(task="engaged", members=["x"])
    manifest = blend("x", settings, {"x": experiment(**changes)}, toy.layout)
    found = manifest.about["scores"]["val"]
    assert found["mean"] == pytest.approx(card.metrics["engaged"]["mean"]) and found["mean"] > 0.5
    assert found["frames"] == 119, "the row without labels does not count"
    made = ArrayStore(toy.layout.ensemble("x"), "")
    assert max(np.abs(made.read_arrays(clip)["engaged"]).max() for clip in ("c03", "c04")) > 1, "nothing bounds it"


@pytest.mark.parametrize("kind", ["values", "class", "labels", "numbers"])
def test_a_label_per_clip_may_be_of_any_kind(tmp_path: Path, kind: Kind) -> None:
    use_tasks([own_task("engaged", kind, ("a", "b"), level="clip")])
    toy = Toy(tmp_path, TRAINABLE, tasks=["va", "engaged"])
    width = TASKS["engaged"].width
    toy.truth["engaged"] = {clip: np.full((1, width), i % 2, np.float32) for i, clip in enumerate(toy.labels)}
    toy.write()
    changes = {"task": "engaged", "epochs": 2}
    card, _ = run(toy, **changes)
    assert list(card.metrics["engaged"]) == ["mean", "a", "b"]
    assert infer("x", experiment(**changes), "official", 0, toy.layout, toy.layout).about["tasks"] == ["engaged"]


def test_the_score_of_numbers_is_their_mean_concordance() -> None:
    rng = np.random.default_rng(0)
    truth, made = rng.normal(size=(2, 50, 2)) * 100
    found = score(own_task("engaged", "numbers", ("a", "b")), truth, made, np.ones(truth.shape, bool))
    assert found == mean_ccc(truth, made)


@pytest.mark.parametrize("level", ["frame", "clip"])
@pytest.mark.parametrize("kind", ["values", "class", "labels", "intensities", "numbers"])
def test_plots_of_every_kind(kind: Kind, level: str) -> None:
    task = own_task("engaged", kind, ("a", "b"), level=level)
    rows, frames = 1 if level == "clip" else 8, np.arange(8.0)
    values = np.linspace(0, 1, 2 * rows).reshape(rows, 2) * (1000 if kind == "numbers" else 1)
    assert clip_plot(task, frames, values, frames > 2, frames > 3).startswith(b"\x89PNG")
    assert b"<svg" in comparison_plot(task, values[:, : task.width].round(), values)


def test_no_submission_is_written_for_it(tmp_path: Path) -> None:
    use_tasks([own_task("engaged", "values", ("a", "b"))])
    with pytest.raises(ValueError, match="no track 'engaged'"):
        lint("engaged", tmp_path / "a.txt", tmp_path / "sample.txt")


@pytest.mark.slow
def test_a_run_from_a_table_to_the_page(tmp_path: Path) -> None:
    settings = raw()
    del settings["datasets"]["demo"]["generate"]
    project = Project.copy(tmp_path / "project", settings)
    data = project.root / "data/demo"
    write_corpus(data, 6, 3, seconds=(1.0, 1.6))
    lines = ["clip,frame,engagement,effort"]
    for path in sorted(data.glob("VA_*/*/*.txt")):
        rows = read_label_file(path, TASKS["va"])
        known = np.flatnonzero(TASKS["va"].annotated(rows))
        lines += [f"{path.stem},{row + 1},{40 + 10 * rows[row, 0]},{rows[row, 1]}" for row in known]
    (data / "engaged.csv").write_text("\n".join(lines))
    done = project.run("snakemake", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    page = (project.root / "results/report/index.html").read_text()
    assert re.search(r"ENGAGED: mean CCC", page) and "effort" in page
    assert project.dry_run() == set()
    project.settings(settings | {"tasks": {"engaged": {**ENGAGEMENT, "kind": "values", "missing": 0.0}}})
    done = project.run("abaw", "index", "demo")
    assert done.returncode == 2 and re.search(
        r"engaged.csv: line 2: .* is none of the numbers from -1 to 1", done.stderr
    )
