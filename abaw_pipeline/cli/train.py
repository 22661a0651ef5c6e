"""``abaw train``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from abaw_pipeline.cli import Run


@click.command()
@click.argument("experiment")
@click.option("--fold", required=True, help="official, mix, fold1, fold2, ..., or a name in the fold file.")
@click.option("--seed", required=True, type=int)
@click.option("--threads", type=click.IntRange(1), help="CPU threads; as many as there are cores without it.")
@click.pass_obj
def command(run: Run, experiment: str, fold: str, seed: int, threads: int | None) -> None:
    """Train one fold and seed of EXPERIMENT."""
    from abaw_pipeline.cli.choice import experiment_of, feature_keys
    from abaw_pipeline.runtime.journal import Journal
    from abaw_pipeline.training.train import train

    settings = experiment_of(run, experiment, fold, seed)
    layout = run.layout(str(settings.dataset))
    keys = feature_keys(run, settings)
    device = run.device(f"train {experiment} {fold}-{seed}", threads, share=True)
    journal = Journal(layout.journal("train", f"{experiment}-{fold}-{seed}"), "epoch")
    card, done = train(experiment, settings, fold, seed, layout, device, keys, journal)
    for row in card.skipped:
        click.echo(f"left out {row.clip}: {row.reason}", err=True)
    for note in card.notes:
        click.echo(note, err=True)
    score = "; ".join(_score(task, values) for task, values in card.metrics.items()) or "no clips were held out"
    state = journal.sentence("trained", card.epochs) if done else "up to date"
    click.echo(f"{experiment} {fold}-{seed}: {state}, epoch {card.epochs_used} of {card.epochs}, {score}")


def _score(task: str, values: Mapping[str, float]) -> str:
    """``validation CCC of va 0.512 (valence 0.500, arousal 0.524)``; many columns are left out."""
    from abaw_pipeline.tasks import TASKS
    from abaw_pipeline.training.scores import MEASURES

    columns = [f"{name} {value:.3f}" for name, value in values.items() if name != "mean"]
    each = f" ({', '.join(columns)})" if len(columns) <= 2 else ""
    return f"validation {MEASURES[TASKS[task].kind]} of {task} {values['mean']:.3f}{each}"
