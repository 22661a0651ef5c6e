"""The report of classes, action units, several tasks at once, and tasks with one label per clip."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from sklearn.metrics import f1_score

from abaw_pipeline.datasets.index import build_index
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.report.build import build_report
from abaw_pipeline.report.compare import typical
from abaw_pipeline.report.curves import write_curves
from abaw_pipeline.report.drawing import PREDICTED, TRUTH
from abaw_pipeline.report.rows_plot import decided, draw_predicted, draw_truth
from abaw_pipeline.report.training_plot import Run, training_plot
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.submission.asked import Asked
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.card import SnapshotNote
from tests.report_results import ROWS, affwild2, data_set, experiment, feature, fused, media, trained, truth_of

FRAMES = ("va", "expr", "au")
EXPERIMENTS = {
    "expr": experiment(task="expr"),
    "three": experiment(tasks={"va": {}, "expr": {}, "au": {}}, seeds=[0]),
    "mixed": experiment(task="au", folds={"name": "mix"}, select={"name": "last"}, seeds=[0]),
}

TOGETHER = Asked("demo", "together", "mtl", {task: task for task in FRAMES})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Experiments and ensembles of several tasks, with their report."""
    base = tmp_path_factory.mktemp("report")
    labels = data_set(base / "data", FRAMES)
    datasets, layout = {"demo": affwild2(base / "data", FRAMES)}, Layout(base / "results", "demo")
    build_index("demo", datasets["demo"], layout)
    for seed, mean in ((0, 0.3), (1, 0.5)):
        trained(layout, "expr", "official", seed, EXPERIMENTS["expr"], {"expr": mean})
    trained(layout, "three", "official", 0, EXPERIMENTS["three"], {"va": 0.25, "expr": 0.35, "au": 0.45})
    trained(layout, "mixed", "mix", 0, EXPERIMENTS["mixed"], {})
    feature(layout, "densenet", random=True)
    labels["eri"] = {clip: truth_of(TASKS["eri"], rows) for clip, rows in ROWS.items()}
    predicted = {task: fused(layout, labels[task], task, task) for task in labels}
    ensembles = {task: EnsembleSettings(members=["*"], task=task) for task in labels}
    page = build_report(base / "results", datasets, EXPERIMENTS, ensembles, [TOGETHER])
    scores = json.loads(page.with_name("scores.json").read_text())
    return {"html": page.read_text(), "scores": scores, "labels": labels, "predicted": predicted, "layout": layout}


def cells(html: str, first: str) -> list[str]:
    """Texts of the cells after the first one of the table row that begins with ``first``, without white space."""
    row = next(
        row for row in re.findall(r"<tr.*?</tr>", html, re.DOTALL) if re.match(rf"<tr[^>]*><td[^>]*>{first}\b", row)
    )
    return ["".join(re.sub(r"<[^>]*>", "", cell).split()) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)][1:]


def test_every_task_has_its_columns_in_the_table_of_experiments(made: dict) -> None:
    head = re.search(
        r"<thead>.*?experiment.*?</thead>", made["html"][made["html"].index("<h2>Experiments") :], re.DOTALL
    )
    assert head is not None
    names = [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<th.*?</th>", head[0])]
    assert [name for name in names if name] == [
        *("VA", "EXPR", "AU"),
        *("experiment", "fold", "seed", "valence", "arousal", "mean CCC", "macro F1", "mean F1", "epoch", "key"),
    ]
    assert cells(made["html"], "three") == ["0.350", "0.150", "0.250", "0.350", "0.450", "1of1trained"]
    assert cells(made["html"], "expr") == ["", "", "", "0.400±0.100", "", "2of2trained"]


def test_many_columns_are_shown_on_request(made: dict) -> None:
    seed = "Neutral 0.400, Anger 0.371, Disgust 0.343, Fear 0.314"
    assert f'title="{seed}' in made["html"] and "EXPR: F1 of its 8 columns" in made["html"]
    assert "AU: F1 of its 12 columns" in made["html"] and "VA: CCC of" not in made["html"]


def test_an_experiment_that_holds_nothing_out_has_dashes_for_scores(made: dict) -> None:
    assert cells(made["html"], "mixed") == ["", "", "", "", "–", "1of1trained"]
    by_name = {row["experiment"]: row for row in made["scores"]["experiments"]}
    assert by_name["mixed"]["metrics"] == {} and by_name["mixed"]["models"] == 1
    assert {row["epochs_used"] for row in made["scores"]["models"]} == {"2"}


@pytest.mark.parametrize("task", ["expr", "au"])
def test_hidden_truth_of_classes_and_units_is_scored_by_f1(made: dict, task: str) -> None:
    """All test clips together; the two frames past the end take the last prediction."""
    given = {clip: made["predicted"][task][clip] for clip in ("also_tested", "tested")}
    given["tested"] = np.concatenate([given["tested"], given["tested"][-1:].repeat(2, axis=0)])
    wanted = np.concatenate([made["labels"][task][clip] for clip in given])
    shown = np.concatenate(list(given.values()))
    if task == "expr":
        each = f1_score(wanted[:, 0], shown.argmax(1), labels=range(8), average=None, zero_division=0)
    else:
        each = f1_score(wanted, shown >= 0.5, average=None, zero_division=0)
    found = next(row for row in made["scores"]["ensembles"] if row["task"] == task)["truth"]
    assert found["mean"] == pytest.approx(each.mean())
    assert [found[column] for column in TASKS[task].columns] == pytest.approx(each)
    assert [f"{one:.3f}" for one in each] == cells(
        made["html"][made["html"].index(f"{task} on demo") :], "hidden truth"
    )


def test_a_task_with_one_label_per_clip_says_that_it_has_no_curves(made: dict) -> None:
    assert made["html"].count("one label per clip has no curves to show") == 1
    assert "eri on demo: " not in made["html"] and "mean Pearson correlation" in made["html"]


@pytest.mark.parametrize("task", ["expr", "au", "eri"])
def test_curves_of_classes_units_and_whole_clips(made: dict, tmp_path: Path, task: str) -> None:
    for clip in made["predicted"][task]:
        media(made["layout"], clip, len(made["predicted"]["au"][clip]))
    manifest = write_curves(made["layout"], task, tmp_path)
    assert {clip: entry["rows"] for clip, entry in manifest.clips.items()} == {
        clip: len(values) for clip, values in made["predicted"][task].items()
    }
    lines = (tmp_path / "tested.csv").read_text().splitlines()
    assert len(lines) == 1 + len(made["predicted"][task]["tested"])


def test_what_is_predicted_of_probabilities() -> None:
    expr, au = np.full((2, 8), 0.1), np.full((2, 12), 0.1)
    expr[0, 3], expr[1, 7], au[0, 2], au[1, 11] = 0.3, 0.9, 0.5, 0.4999
    assert np.argwhere(decided(TASKS["expr"], expr)).tolist() == [[0, 3], [1, 7]]
    assert np.argwhere(decided(TASKS["au"], au)).tolist() == [[0, 2]]


def test_typical_clips_of_classes_are_those_with_most_frames_right() -> None:
    """A clip of two classes, all right, comes before one of eight classes with one of them wrong."""
    one_hot = np.eye(8)
    truth = {"few": np.float64([0, 0, 1, 1])[:, None], "many": np.arange(8.0)[:, None], "wrong": np.float64([[1], [2]])}
    predicted = {"few": one_hot[[0, 0, 1, 1]], "many": one_hot[[0, 1, 2, 3, 4, 5, 6, 0]], "wrong": one_hot[[0, 0]]}
    found = typical(truth, predicted.get, "expr")
    assert [(one.clip, one.score) for one in found] == [("few", 1.0), ("many", 7 / 8), ("wrong", 0.0)]


def test_typical_clips_of_units_count_annotated_units_alone() -> None:
    truth = np.zeros((4, 12))
    truth[:, 0], truth[:2, 1:] = 1, -1
    predicted = np.zeros((4, 12))
    (only,) = typical({"clip": truth}, {"clip": predicted}.get, "au")
    assert only.score == pytest.approx(22 / 26)


def bars(axes: Axes, colour: str) -> list[tuple[int, float, float]]:
    """Row, start and end of every bar of this colour."""
    found = []
    for collection in axes.collections:
        if len(collection.get_facecolor()) == 1 and to_hex(collection.get_facecolor()[0]) == colour:
            for path in collection.get_paths():
                (left, low), (right, _) = path.vertices.min(axis=0), path.vertices.max(axis=0)
                found.append((int(low), float(left), float(right)))
    return sorted(found)


@pytest.mark.parametrize(
    ("task", "truth", "black"),
    [
        ("expr", np.float64([0, 0, 1, np.nan, 7])[:, None], [(0, 0.5, 2.5), (1, 2.5, 3.5), (7, 4.5, 5.5)]),
        ("au", np.eye(12)[:3], [(0, 0.5, 1.5), (1, 1.5, 2.5), (2, 2.5, 3.5)]),
    ],
)
def test_bars_stand_where_a_class_or_unit_is(
    task: str, truth: np.ndarray, black: list[tuple[int, float, float]]
) -> None:
    axes, edges = Figure().subplots(), np.arange(len(truth) + 1) + 0.5
    draw_truth(axes, TASKS[task], edges, truth)
    assert bars(axes, TRUTH) == black
    known = truth[~np.isnan(truth).any(axis=1)]
    probabilities = np.eye(8)[known[:, 0].astype(int)] if task == "expr" else known
    axes = Figure().subplots()
    draw_predicted(axes, TASKS[task], edges[: len(known) + 1], probabilities)
    assert [(row, right - left) for row, left, right in bars(axes, PREDICTED)] == [
        (row, right - left) for row, left, right in black
    ]


def test_long_clips_are_drawn_in_steps_from_their_first_to_their_last_frame() -> None:
    frames = 10_001
    axes = Figure().subplots()
    mesh = draw_predicted(axes, TASKS["au"], np.arange(frames + 1.0), np.full((frames, 12), 0.75, np.float32))
    assert mesh.get_array().shape[1] <= 1500 and np.allclose(mesh.get_array(), 0.75)
    assert bars(axes, PREDICTED) == [(row, 0.0, float(frames)) for row in range(12)]


def history(*columns: str) -> dict[str, np.ndarray]:
    return {"epoch": np.array([1.0, 2, 3]), **{column: np.arange(3.0) for column in columns}}


def test_training_curves_have_a_row_per_task_and_one_of_their_sum() -> None:
    several = history("loss", "score", "va_loss", "va_mean", "au_loss", "au_mean")
    text = training_plot({"official-0": Run(several, [SnapshotNote(2, None)])}, ["va", "au"]).decode()
    for title in ("all tasks: sum of the scores", "VA: mean CCC", "AU: mean F1"):
        assert f"{title} on validation" in text
    unscored = training_plot({"mix-0": Run(history("loss"), [SnapshotNote(3, None)])}, ["expr"]).decode()
    assert "training loss" in unscored and "on validation" not in unscored


def test_an_epoch_that_predicts_one_task_is_marked_for_that_task() -> None:
    run = Run(history("loss"), [SnapshotNote(1, {"va": [0]}), SnapshotNote(3, {"va": [1], "au": [0, 1]})])
    assert [run.used(task).tolist() for task in ("va", "au", None)] == [
        [True, False, True],
        [False, False, True],
        [True, False, True],
    ]
    assert Run(history("loss"), [SnapshotNote(2, None)]).used("expr").tolist() == [False, True, False]


def test_a_joined_submission_scores_the_sum_of_its_tasks(made: dict) -> None:
    (row,) = made["scores"]["joined"]
    each = [one for one in made["scores"]["ensembles"] if one["task"] in FRAMES]
    assert row["scores"] == {"val": pytest.approx(sum(one["scores"]["val"]["mean"] for one in each))}
    told = made["html"][made["html"].index("together on demo") :]
    assert f"<b>{row['scores']['val']:.3f}</b>mean CCC + macro F1 + mean F1" in told
    assert "VA by va, EXPR by expr, AU by au." in told
