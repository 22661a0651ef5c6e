"""``abaw submit``."""

from __future__ import annotations

import click

from abaw_pipeline.cli import Run


@click.command()
@click.argument("ensemble")
@click.option(
    "--dataset", help="Data set whose sample file is answered; may be left out where the ensemble has only one."
)
@click.pass_obj
def command(run: Run, ensemble: str, dataset: str | None) -> None:
    """Write the submission file of an ensemble."""
    from abaw_pipeline.cli.choice import ensemble_dataset
    from abaw_pipeline.runtime.journal import Journal
    from abaw_pipeline.submission.write import write_submission

    layout = run.layout(ensemble_dataset(run, ensemble, dataset))
    task = run.config.ensembles[ensemble].task
    journal = Journal(layout.journal("submit", f"{ensemble}-{task}"), "file")
    path = write_submission(layout, ensemble, task, run.config.submission, journal)
    click.echo(str(path))
