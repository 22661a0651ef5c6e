"""``abaw summary``."""

from __future__ import annotations

import json

import click

from abaw_pipeline.cli import Run
from abaw_pipeline.runtime.paths import Layout, report_page
from abaw_pipeline.submission.asked import Asked
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS


@click.command()
@click.pass_obj
def command(run: Run) -> None:
    """Say where the results are, how good they look, and what was skipped."""
    config = run.config
    for line in _faults(run):
        click.echo(line)
    for dataset in config.datasets:
        layout = run.layout(dataset)
        for ensemble, settings in config.ensembles.items():
            for line in _results(layout, ensemble, settings.task):
                click.echo(line)
    for line in _submissions(run):
        click.echo(line)
    page = report_page(run.results)
    click.echo(f"report:      {page}" if page.exists() else "report:      not there yet (type: snakemake --cores 8)")


def _results(layout: Layout, ensemble: str, task: str) -> list[str]:
    from abaw_pipeline.training.scores import AVERAGED  # imports scikit-learn

    lines = []
    manifest = layout.ensemble_manifest(ensemble)
    if manifest.exists():
        validation = json.loads(manifest.read_text())["about"]["scores"].get("val")
        if validation:
            measure = AVERAGED[TASKS[task].kind]
            lines.append(f"validation:  {ensemble} on {layout.dataset}, {measure} {validation['mean']:.3f}")
    if layout.curves(ensemble).exists():
        lines.append(f"curves:      {layout.curves(ensemble)}")
    return lines


def _submissions(run: Run) -> list[str]:
    """The score of every joined submission, and every file there is."""
    from abaw_pipeline.state.listed import submissions
    from abaw_pipeline.training.scores import track_measure

    lines = []
    for asked in submissions(run.config):
        layout = run.layout(asked.dataset)
        score = _joined(layout, asked) if len(asked.ensembles) > 1 else None
        if score is not None:
            measure = track_measure(TRACKS[asked.track])
            lines.append(f"validation:  {asked.name} on {asked.dataset}, {measure} {score:.3f}")
        if layout.submission(asked.name, asked.track).exists():
            lines.append(f"submission:  {layout.submission(asked.name, asked.track)}")
    return lines


def _joined(layout: Layout, asked: Asked) -> float | None:
    """The validation score of a submission that several ensembles make up, where each has one."""
    from abaw_pipeline.report.joined import joined_scores

    manifests = {task: layout.ensemble_manifest(name) for task, name in asked.ensembles.items()}
    if not all(path.exists() for path in manifests.values()):
        return None
    scores = {task: json.loads(path.read_text())["about"]["scores"] for task, path in manifests.items()}
    return joined_scores(asked.track, scores).get("val")


def _faults(run: Run) -> list[str]:
    """One line per fault that was tolerated, and per clip that was left out: the first stage that met it, and why."""
    from abaw_pipeline.report.skipped import media_notes, skipped_clips

    config = run.config
    layouts = {name: run.layout(name) for name in config.datasets}
    first: dict[tuple[str, str], str] = {}
    for row in skipped_clips(layouts, config.experiments, config.ensembles):
        line = f"skipped:     {row['dataset']}/{row['clip']} ({row['stage']}): {row['reason']}"
        first.setdefault((row["dataset"], row["clip"]), line)
    noted = [f"noted:       {row['dataset']}/{row['clip']}: {row['note']}" for row in media_notes(layouts)]
    return [*noted, *first.values()]
