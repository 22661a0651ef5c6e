"""``abaw why TARGET``."""

from __future__ import annotations

import click

from abaw_pipeline.cli import Run


@click.command()
@click.argument("target")
@click.option("--all", "everything", is_flag=True, help="Every line; without it, the first of each kind.")
@click.pass_obj
def command(run: Run, target: str, everything: bool) -> None:
    """Say why TARGET is stale, up to date or missing, and what would run for it.

    TARGET is a data set, a feature, an experiment, one of its trainings (EXPERIMENT/FOLD-SEED), an ensemble, or a path
    below the results. Contents are compared, not times: recordings whose size or times are new are read.
    """
    from abaw_pipeline.state.why import MOST, why

    for line in why(run.config, target, None if everything else MOST):
        click.echo(line)
