"""``abaw check``."""

from __future__ import annotations

import click

from abaw_pipeline.cli import Run


@click.command()
@click.pass_obj
def command(run: Run) -> None:
    """Check the settings and say what a run would contain."""
    from abaw_pipeline.training.splits.names import fold_names

    config = run.config
    trainings = sum(len(fold_names(e)) * len(e.seeds) for e in config.experiments.values())
    click.echo(f"{run.file}: ok")
    click.echo(f"data sets    {', '.join(config.datasets)}")
    for name in config.features:
        plan = config.plan(name)
        note = ", RANDOM WEIGHTS" if plan.random else ""
        click.echo(f"feature      {name} ({plan.spec.modality}, {plan.spec.dimension} values a frame{note})")
    click.echo(f"experiments  {len(config.experiments)}, {trainings} trainings")
    for name in config.ensembles:
        click.echo(f"ensemble     {name}: {', '.join(config.members(name))}")
