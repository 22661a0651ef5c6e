"""The report: one self-contained page, and the same numbers for programs in ``scores.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from abaw_pipeline.datasets.index import read_labels
from abaw_pipeline.datasets.registry import DatasetSettings
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.report.beside import NOTHING, Published, side_by_side
from abaw_pipeline.report.compare import LIKENESS, typical
from abaw_pipeline.report.comparison_plot import comparison_plot
from abaw_pipeline.report.drawing import as_data
from abaw_pipeline.report.gather import gather, history, predictions, runs
from abaw_pipeline.report.rows_plot import DECISIONS
from abaw_pipeline.report.score_table import meanings, number, task_scores
from abaw_pipeline.report.training_plot import Run, training_plot
from abaw_pipeline.report.truth import read_truth
from abaw_pipeline.runtime.files import atomic, write_json
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout, report_page
from abaw_pipeline.submission.asked import Asked
from abaw_pipeline.submission.provenance import git_commit
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.card import read_card
from abaw_pipeline.training.settings import ExperimentSettings

_ROLES = {
    "val": "validation clips, out of fold",
    "apart": "validation clips that no fold uses",
    "test": "labelled test clips",
    "all": "labelled clips",
    "held_out": "held-out clips, mean over folds and seeds",
    "truth": "hidden truth of the test clips",
}


def build_report(
    results: Path,
    datasets: Mapping[str, DatasetSettings],
    experiments: Mapping[str, ExperimentSettings],
    ensembles: Mapping[str, EnsembleSettings],
    joined: Sequence[Asked] = (),
    published: Published = NOTHING,
) -> Path:
    """Write ``<results>/report/index.html`` and ``scores.json`` beside it.

    Equal results give equal bytes. Whatever is not made yet is left out.

    Args:
        joined: submissions that several ensembles make up.
        published: tables of papers that our scores stand beside.

    Returns:
        the path of the page.

    Raises:
        ValueError: a file of an earlier stage is damaged or stale; the message says which command makes it.
    """
    facts = gather(results, datasets, experiments, ensembles, joined)
    facts["papers"] = side_by_side(published, facts, experiments)
    page = report_page(results)
    write_json(page.with_name("scores.json"), facts)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["score"] = number
    trained = [task for row in facts["experiments"] for task in row["tasks"]]
    fused = [row["task"] for row in facts["ensembles"]]
    html = environment.get_template("page.html").render(
        facts=facts,
        roles=_ROLES,
        decisions=DECISIONS,
        meanings=meanings([*trained, *fused]),
        trained=task_scores(trained),
        fused=task_scores(fused),
        commit=git_commit(),
        training=_training(results, experiments),
        curves=_curves(results, datasets, ensembles, facts),
    )
    with atomic(page) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return page


def _training(results: Path, experiments: Mapping[str, ExperimentSettings]) -> list[dict[str, str]]:
    """Training curves, one picture per experiment."""
    plots = []
    for name, settings in experiments.items():
        found = {
            f"{fold}-{seed}": Run(history(folder), read_card(folder).snapshots)
            for fold, seed, folder in runs(results, name, settings)
        }
        if found:
            picture = training_plot(found, list(settings.targets))
            plots.append({"title": name, "src": as_data(picture, "svg+xml")})
    return plots


def _curves(
    results: Path,
    datasets: Mapping[str, DatasetSettings],
    ensembles: Mapping[str, EnsembleSettings],
    facts: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Predicted beside annotated curves of typical clips: of the validation clips, and of those with hidden truth."""
    groups = []
    for row in facts["ensembles"]:
        layout, task = Layout(results, row["dataset"]), ensembles[row["ensemble"]].task
        manifest = Manifest.read(layout.ensemble_manifest(row["ensemble"]), "abaw ensemble")
        read = predictions(layout, row["ensemble"], task, manifest)
        labels = read_labels(layout, task) if layout.labels(task).is_file() else {}
        held_out = {clip: labels[clip] for clip in labels if manifest.clips.get(clip, {}).get("role") == "val"}
        truth = read_truth(row["dataset"], datasets[row["dataset"]], task)
        for what, known in (("validation clips, out of fold", held_out), ("test clips with hidden truth", truth)):
            plots = [
                {
                    "clip": one.clip,
                    "rank": one.rank,
                    "score": one.score,
                    "src": as_data(comparison_plot(TASKS[task], one.truth, one.predicted), "svg+xml"),
                }
                for one in typical(known, read, task)
            ]
            if plots:
                title, kind = f"{row['ensemble']} on {row['dataset']}: {what}", TASKS[task].kind
                groups.append({"title": title, "task": task, "kind": kind, "by": LIKENESS[kind], "plots": plots})
    return groups
