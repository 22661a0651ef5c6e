"""``abaw infer``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from abaw_pipeline.cli import Run


@click.command()
@click.argument("experiment")
@click.option("--fold", required=True, help="official, mix, fold1, fold2, ..., or a name in the fold file.")
@click.option("--seed", required=True, type=int)
@click.option("--dataset", help="Data set to predict; default: the one the experiment was trained on.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads; as many as there are cores without it.")
@click.pass_obj
def command(run: Run, experiment: str, fold: str, seed: int, dataset: str | None, threads: int | None) -> None:
    """Predict the clips of a data set with one trained model of EXPERIMENT."""
    from abaw_pipeline.cli.choice import experiment_of, feature_keys
    from abaw_pipeline.runtime.journal import Journal
    from abaw_pipeline.training.infer import infer

    settings = experiment_of(run, experiment, fold, seed)
    home = run.layout(str(settings.dataset))
    target = run.layout(dataset or str(settings.dataset))
    keys = feature_keys(run, settings)
    device = run.device(f"predict {target.dataset} with {experiment} {fold}-{seed}", threads, share=True)
    journal = Journal(target.journal("infer", f"{experiment}-{fold}-{seed}"))
    manifest = infer(experiment, settings, fold, seed, home, target, device, keys, journal)
    for row in manifest.skipped:
        click.echo(f"left out {row.clip}: {row.reason}", err=True)
    done = journal.sentence("predicted", len(manifest.clips))
    click.echo(f"{experiment} {fold}-{seed} on {target.dataset}: {done}")
