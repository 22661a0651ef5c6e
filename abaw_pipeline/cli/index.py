"""``abaw index``."""

from __future__ import annotations

import click

from abaw_pipeline.cli import Run


@click.command()
@click.argument("dataset")
@click.pass_obj
def command(run: Run, dataset: str) -> None:
    """List a data set's clips, labels and samples."""
    from abaw_pipeline.datasets.index import build_index

    layout = run.layout(dataset)
    manifest = build_index(dataset, run.config.datasets[dataset], layout)
    for row in manifest.skipped:
        click.echo(f"skipped {row.clip}: {row.reason}")
    for note in manifest.about["notes"]:
        click.echo(f"noted {note}")
    click.echo(f"{layout.clips}: {len(manifest.clips)} clips, {len(manifest.skipped)} skipped")
