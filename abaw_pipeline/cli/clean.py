"""``abaw clean``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

if TYPE_CHECKING:
    from abaw_pipeline.cli import Run


@click.command("clean")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@click.pass_obj
def command(run: Run, yes: bool) -> None:
    """List what no setting refers to any more under the results folder, ask, and remove it.

    Features, models, predictions, ensembles, submissions, shard manifests, logs and data sets that the settings no
    longer have, clips that a data set no longer has, earlier copies of the settings, and what killed jobs left.
    Files that no stage wrote are left alone, and links are not followed. Other settings files that write to the same
    folder are not read: what only they refer to is listed too.
    """
    from abaw_pipeline.cleaning.clean import clear, find, size

    found = find(run.config)
    if not found:
        click.echo(f"{run.results}: nothing to remove; {run.file} refers to everything there that stages have made")
        return
    sizes = [size(place) for place in found]
    for place, freed in zip(found, sizes, strict=True):
        click.echo(f"{_bytes(freed):>8}  {place.path}: {place.reason}")
    if not yes:
        _ask(f"{_bytes(sum(sizes))} in all")
    faults: list[str] = []
    freed = clear(run.config, found, lambda path, error: faults.append(f"{path}: {error.strerror}"))
    click.echo(f"{_bytes(freed)} removed")
    if faults:
        raise ValueError(f"{len(faults)} of these could not be removed, the first: {faults[0]}")


def _ask(total: str) -> None:
    if not sys.stdin.isatty():
        raise ValueError(f"{total}; nothing was removed: there is no terminal to ask at, remove it with --yes")
    if not click.confirm(f"{total}. Remove it?", default=False):
        raise click.exceptions.Exit(0)


def _bytes(count: int) -> str:
    return f"{tqdm.format_sizeof(count)}B"
