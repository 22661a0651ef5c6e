"""``abaw curves``."""

from __future__ import annotations

import click

from abaw_pipeline.cli import Run


@click.command()
@click.argument("ensemble")
@click.option(
    "--dataset", help="Data set that the ensemble predicted; may be left out where the ensemble has only one."
)
@click.pass_obj
def command(run: Run, ensemble: str, dataset: str | None) -> None:
    """Write one CSV and one plot per clip of an ensemble."""
    from abaw_pipeline.cli.choice import ensemble_dataset
    from abaw_pipeline.report.curves import write_curves

    layout = run.layout(ensemble_dataset(run, ensemble, dataset))
    out = layout.curves(ensemble)
    count = len(write_curves(layout, ensemble, out, prune=True).clips)
    click.echo(f"{out}: {count} clips")
