"""``abaw submit``."""

from __future__ import annotations

import click

from abaw_pipeline.cli import Run


@click.command()
@click.argument("name")
@click.option("--dataset", help="Data set whose sample file is answered; may be left out where only one is.")
@click.pass_obj
def command(run: Run, name: str, dataset: str | None) -> None:
    """Write the submission file of an ensemble, or of several that make up a track (submission.mtl)."""
    from abaw_pipeline.cli.choice import submission_of
    from abaw_pipeline.runtime.journal import Journal
    from abaw_pipeline.state.listed import settings_behind
    from abaw_pipeline.submission.write import write_submission

    asked = submission_of(run, name, dataset)
    layout = run.layout(asked.dataset)
    journal = Journal(layout.journal("submit", f"{name}-{asked.track}"), "file")
    made_with = settings_behind(run.config, asked.ensembles.values())
    path = write_submission(layout, asked, run.config.submission, made_with, journal)
    click.echo(str(path))
