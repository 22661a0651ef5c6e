"""``abaw report``."""

from __future__ import annotations

import click

from abaw_pipeline.cli import Run


@click.command()
@click.pass_obj
def command(run: Run) -> None:
    """Write the report page."""
    from abaw_pipeline.presets import reported
    from abaw_pipeline.report.beside import Published
    from abaw_pipeline.report.build import build_report
    from abaw_pipeline.state.listed import submissions

    config = run.config
    joined = [asked for asked in submissions(config) if asked.name in config.submission.mtl]
    published = Published({name: reported(name) for name in config.presets}, small=config.scale == "demo")
    page = build_report(run.results, config.datasets, config.experiments, config.ensembles, joined, published)
    click.echo(str(page))
