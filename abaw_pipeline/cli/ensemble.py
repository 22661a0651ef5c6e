"""``abaw ensemble``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from abaw_pipeline.cli import Run


@click.command()
@click.argument("name")
@click.option("--dataset", help="Data set to predict; may be left out where the ensemble has only one.")
@click.pass_obj
def command(run: Run, name: str, dataset: str | None) -> None:
    """Fuse the predictions of the members of ensemble NAME."""
    from abaw_pipeline.cli.choice import ensemble_dataset
    from abaw_pipeline.ensembles.blend import blend
    from abaw_pipeline.runtime.journal import Journal
    from abaw_pipeline.tasks import TASKS
    from abaw_pipeline.training.scores import MEASURES

    layout = run.layout(ensemble_dataset(run, name, dataset))
    config = run.config
    settings, members, columns = config.ensembles[name], config.members(name), config.member_columns(name)
    home = run.layout(config.chosen_on(name) or layout.dataset)
    journal = Journal(layout.journal("ensemble", name))
    manifest = blend(name, settings, members, layout, journal, columns, home)
    for row in manifest.skipped:
        click.echo(f"{row.clip}: {row.reason}", err=True)
    measure = MEASURES[TASKS[settings.task].kind]
    scores = "; ".join(f"{role} {measure} {found['mean']:.3f}" for role, found in manifest.about["scores"].items())
    done, models = journal.sentence("fused", len(manifest.clips)), len(manifest.about["models"])
    click.echo(f"{name} on {layout.dataset}: {done} from {models} models" + (f"; {scores}" if scores else ""))
