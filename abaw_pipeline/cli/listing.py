"""``abaw listing``."""

from __future__ import annotations

import click

from abaw_pipeline.cli import Run


@click.command()
@click.argument("dataset")
@click.pass_obj
def command(run: Run, dataset: str) -> None:
    """Note names, sizes and times of a data set's raw files in listing.json."""
    from abaw_pipeline.datasets.listing import listing_digest
    from abaw_pipeline.runtime.snapshot import refresh_listing

    layout = run.layout(dataset)
    refresh_listing(layout, listing_digest(run.config.datasets[dataset]))
    click.echo(f"{layout.listing}: up to date")
