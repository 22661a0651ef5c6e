"""``abaw status``."""

from __future__ import annotations

import click

from abaw_pipeline.cli import Run


@click.command()
@click.pass_obj
def command(run: Run) -> None:
    """Say how far each stage is, what is under way and what stopped; at any time, also while a run is at work."""
    from abaw_pipeline.runtime.run_lock import holder
    from abaw_pipeline.state.status import jobs, stages

    by = holder(run.results)
    click.echo(f"{run.results}: a run is under way, {by}" if by else f"{run.results}: no run is under way")
    for stage in stages(run.config):
        click.echo(stage.line)
    for job in jobs(run.config):
        click.echo(job.line)
